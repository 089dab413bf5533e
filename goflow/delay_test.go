package goflow_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

const (
	hopTime = 15 * time.Minute
	day     = 24 * time.Hour
)

// moments are when a handler ran.
type moments struct {
	mu   sync.Mutex
	list []time.Time
}

func (m *moments) all() []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

// noted registers a handler that notes when it runs.
func (w *world) noted(name string) *moments {
	w.Helper()
	ran := &moments{}
	goflow.NewJob[string, string](name).Handle(w.mux, func(ctx context.Context, s string) (string, error) {
		info, _ := goflow.TaskFromContext(ctx)
		require.Equal(w, 1, info.Attempt, "hops are no attempts")
		ran.mu.Lock()
		defer ran.mu.Unlock()
		ran.list = append(ran.list, time.Now())
		return s, nil
	})
	return ran
}

func TestLongDelay(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"RunsWhenItIsDueAndNotBefore": func(w *world) {
			ran := w.noted("later")
			delays := []time.Duration{hopTime, hopTime + 1, hopTime + time.Second, 100 * time.Minute, day + 7*time.Millisecond, 7 * day}
			begin := time.Now()
			var ids []string
			for _, d := range delays {
				ids = append(ids, w.push("later", "x", goflow.Delay(d)))
			}
			stop := w.start()
			time.Sleep(7*day + time.Minute)
			require.NoError(w, stop())
			require.Len(w, ran.all(), len(delays))
			for i, d := range delays {
				require.GreaterOrEqual(w, ran.all()[i].Sub(begin), d)
				require.Less(w, ran.all()[i].Sub(begin), d+2*time.Second, "delay of %v", d)
				rec := w.wait(ids[i])
				require.Equal(w, task.Done, rec.State)
				require.Zero(w, rec.Attempts+rec.GiveBacks+rec.Starts, "hops leave no trace in the record")
			}
			w.requireEmpty(w.queue)
		},
		"HasARowThatOutlivesTheDelay": func(w *world) {
			id := w.push("later", "x", goflow.Delay(7*day))
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, task.Open, rec.State)
			require.WithinDuration(w, time.Now().Add(7*day+goflow.DefaultRecordTTL), rec.Expires, time.Second)
			require.NoError(w, w.client.Cancel(w.Context(), id))
			rec, err = w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.WithinDuration(w, time.Now().Add(7*day+goflow.DefaultRecordTTL), rec.Expires, time.Second, "cancelled, too")
			broken := &faultyStore{Store: w.records, before: func(string) error { return port.ErrRefused }}
			_, err = w.over(w.queue, broken).Push(w.Context(), "later", hello, goflow.Delay(day))
			require.ErrorIs(w, err, goflow.ErrRefused, "no row, no message")
			w.requireSent(1)
		},
		"CancelledIsNotRun": func(w *world) {
			ran := w.noted("later")
			id := w.push("later", "x", goflow.Delay(time.Hour))
			require.NoError(w, w.client.Cancel(w.Context(), id))
			w.drain()
			require.Empty(w, ran.all())
		},
		"KilledBetweenCopyAndDeleteRunsOnce": func(w *world) {
			ran := w.noted("later")
			begin := time.Now()
			w.push("later", "x", goflow.Delay(20*time.Minute))
			// The copy is sent, and the process dies: message and copy both go on.
			require.Equal(w, goflow.Ack, w.newProcessor().Process(w.Context(), w.receive(w.queue)).Action)
			w.requireSent(1)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			w.requireSent(2)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.GreaterOrEqual(w, time.Since(begin), 20*time.Minute)
			w.process(w.newProcessor(), w.receive(w.queue))
			w.requireEmpty(w.queue)
			require.Len(w, ran.all(), 1)
		},
		"KilledBeforeTheCopyIsNotLost": func(w *world) {
			ran := w.noted("later")
			begin := time.Now()
			w.push("later", "x", goflow.Delay(20*time.Minute))
			broken := &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "send" {
					return port.ErrUnavailable
				}
				return nil
			}}
			w.broker = broken
			o := w.newProcessor().Process(w.Context(), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action)
			require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
			w.broker = w.queue
			w.drain()
			require.Len(w, ran.all(), 1)
			require.GreaterOrEqual(w, ran.all()[0].Sub(begin), 20*time.Minute)
			require.Less(w, ran.all()[0].Sub(begin), 20*time.Minute+2*testLease, "late by the time until it was sent on")
		},
		"ClockOfTheWorkerDoesNotCount": func(w *world) {
			ran := w.noted("later")
			w.push("later", "x", goflow.Delay(time.Hour))
			d := w.receive(w.queue)
			time.Sleep(2 * time.Hour) // to the worker it is late, to the broker it was early
			require.Equal(w, goflow.Ack, w.newProcessor().Process(w.Context(), d).Action)
			require.Empty(w, ran.all())
		},
		"LateIsRunAtOnce": func(w *world) {
			ran := w.noted("later")
			w.push("later", "x", goflow.Delay(time.Hour))
			time.Sleep(2 * time.Hour) // no worker was there
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Len(w, ran.all(), 1)
		},
		"ExpiresCountsFromTheFirstSend": func(w *world) {
			ran := w.noted("later")
			late := w.push("later", "x", goflow.Delay(time.Hour), goflow.ExpiresIn(59*time.Minute))
			good := w.push("later", "x", goflow.Delay(time.Hour), goflow.ExpiresIn(61*time.Minute))
			w.drain()
			require.Equal(w, task.Expired, w.state(late))
			require.Equal(w, task.Done, w.state(good))
			require.Len(w, ran.all(), 1)
		},
		"HopsOfOneReceiveAreOneCall": func(w *world) {
			counting := &faultyBroker{Broker: w.queue}
			w.broker = counting
			for range 10 {
				w.push("later", "x", goflow.Delay(time.Hour))
			}
			stop := w.start(goflow.Concurrency(10))
			time.Sleep(hopTime + time.Minute)
			require.NoError(w, stop())
			require.Equal(w, 1, counting.count("send"))
			w.requireSent(10)
		},
		"RedrivenTaskHasWaitedAlready": func(w *world) {
			goflow.NewJob[int, int]("later").Handle(w.mux, func(context.Context, int) (int, error) { return 0, nil })
			id := w.push("later", "no number", goflow.Delay(16*time.Minute))
			time.Sleep(time.Hour) // so that the first message runs, whose delay counts from when it was sent
			stop := w.start()
			require.Equal(w, task.Dead, w.wait(id).State)
			letter, _ := w.deadLetter()
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: letter.Body, Attributes: letter.Attributes}}))
			begin := time.Now()
			w.receive(w.dead)
			require.Less(w, time.Since(begin), time.Minute)
			require.NoError(w, stop())
		},
		"MessageByHandKeepsItsID": func(w *world) {
			ran := w.noted("later")
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{
				Body: []byte(`{"v":1,"type":"later","payload":"x"}`), Delay: hopTime, Attributes: map[string]string{"goflow-due": `{"delay":3600}`},
			}}))
			d := w.receive(w.queue)
			w.process(w.newProcessor(), d)
			w.drain()
			require.Equal(w, task.Done, w.state(d.ID))
			require.Len(w, ran.all(), 1)
		},
		"CopyThatNobodyHereCanReadIsDeadUnderItsTasksID": func(w *world) {
			sentOn := `{"delay":60,"sent":1,"id":"` + handMadeID + `"}`
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{
				Body: []byte(`{"v":2,"type":"later"}`), Attributes: map[string]string{"goflow-due": sentOn},
			}}))
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, "malformed", w.wait(handMadeID).Reason)
		},
		"BadDueIsMalformed": func(w *world) {
			for _, text := range []string{`x`, `{}`, `{"delay":0}`, `{"delay":604801}`, `{"delay":60,"sent":-1}`} {
				require.NoError(w, w.queue.Send(w.Context(), []port.Message{{
					Body: []byte(`{"v":1,"type":"later"}`), Attributes: map[string]string{"goflow-due": text},
				}}))
				w.process(w.newProcessor(), w.receive(w.queue))
				_, note := w.deadLetter()
				require.Equal(w, "malformed", note["reason"], text)
			}
		},
		"HopKeepsTheKeyAndTheEndFreesIt": func(w *world) {
			w.noted("echo")
			id := w.push("echo", "x", goflow.Delay(time.Hour), goflow.Unique("user-17", 2*time.Hour))
			w.process(w.newProcessor(), w.receive(w.queue))
			w.requireHeld(id)
			w.drain()
			w.requireFree()
		},
		"FunctionHopsToo": func(w *world) {
			ran := w.noted("later")
			begin := time.Now()
			_, err := w.client.PushMany(w.Context(), slices.Repeat([]task.Task{{Type: "later", Payload: "x"}}, 3), goflow.Delay(time.Hour))
			require.NoError(w, err)
			counting := &faultyBroker{Broker: w.queue}
			worker, err := goflow.NewBatchWorker(counting, w.records, w.mux, goflow.DeadLetters(w.dead))
			require.NoError(w, err)
			for len(ran.all()) < 3 && time.Since(begin) < day {
				into := make([]port.Delivery, 10)
				n, err := w.queue.Receive(w.Context(), into)
				require.NoError(w, err)
				outcomes, err := worker.Work(w.Context(), goflow.Batch{Deliveries: into[:n]})
				require.NoError(w, err)
				for i, o := range outcomes {
					require.Equal(w, goflow.Ack, o.Action)
					require.NoError(w, w.queue.Ack(w.Context(), into[i:i+1]))
				}
			}
			require.Len(w, ran.all(), 3)
			for _, at := range ran.all() {
				require.GreaterOrEqual(w, at.Sub(begin), time.Hour)
			}
			require.Equal(w, 3, counting.count("send"), "three hops of three tasks")
			w.requireEmpty(w.queue)
		},
	})
}

// orderedBroker keeps order, and so takes no delay.
type orderedBroker struct{ *memory.Broker }

func (b orderedBroker) Limits(ctx context.Context) (port.Limits, error) {
	limits, err := b.Broker.Limits(ctx)
	limits.Ordered = true
	return limits, err
}

func TestOrderedBrokerTakesNoDelay(t *testing.T) {
	t.Parallel()
	client, err := goflow.NewClient(orderedBroker{memory.NewBroker()}, memory.NewStore())
	require.NoError(t, err)
	for _, d := range []time.Duration{time.Second, time.Hour} {
		_, err = client.Push(t.Context(), "later", json.RawMessage(`1`), goflow.Delay(d))
		require.ErrorIs(t, err, goflow.ErrInvalid)
		require.ErrorContains(t, err, "keeps order")
	}
}
