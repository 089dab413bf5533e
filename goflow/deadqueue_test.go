package goflow_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

const handMadeID = "0193a1f0-5b7c-4d3e-8f00-2a4b6c8d0e1f"

// deadLetters are those of the world; dead stands before its queue of them.
func (w *world) deadLetters(dead port.Broker) *goflow.DeadLetterQueue {
	w.Helper()
	q, err := goflow.NewDeadLetterQueue(dead, w.queue, w.store)
	require.NoError(w, err)
	return q
}

// die pushes a task and lets it fail, n times over.
func (w *world) die(n int) (ids []string) {
	w.Helper()
	goflow.NewJob[int, int]("bad", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
		return 0, errors.New("no")
	})
	for i := range n {
		ids = append(ids, w.push("bad", i))
		w.process(w.newProcessor(), w.receive(w.queue))
	}
	return ids
}

// mend is a new deployment, whose handler succeeds, and counts.
func (w *world) mend() (runs *int) {
	w.Helper()
	runs, w.mux = new(int), goflow.NewMux()
	goflow.NewJob[int, string]("bad", goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, _ int) (string, error) {
		*runs++
		info, _ := goflow.TaskFromContext(ctx)
		return fmt.Sprintf("attempt %d of generation %d", info.Attempt, info.Generation), nil
	})
	return runs
}

// all collects a sequence that must not fail.
func (w *world) all(letters iter.Seq2[goflow.DeadLetter, error]) (got []goflow.DeadLetter) {
	w.Helper()
	for l, err := range letters {
		require.NoError(w, err)
		got = append(got, l)
	}
	return got
}

// requireDead wants n letters, all of them there for everybody.
func (w *world) requireDead(n int) {
	w.Helper()
	size, err := w.dead.Size(w.Context())
	require.NoError(w, err)
	require.Equal(w, port.Size{Waiting: n}, size)
}

func (w *world) sendDead(body string) {
	w.Helper()
	require.NoError(w, w.dead.Send(w.Context(), []port.Message{{Body: []byte(body)}}))
}

// lyingBroker sends, and says the first time that it did not.
type lyingBroker struct {
	port.Broker
	calls int
}

func (b *lyingBroker) Send(ctx context.Context, msgs []port.Message) error {
	b.calls++
	err := b.Broker.Send(ctx, msgs)
	if b.calls == 1 {
		return cmp.Or(err, port.ErrUnavailable)
	}
	return err
}

const handMade = `{"v":1,"id":"` + handMadeID + `","type":"bad","payload":7}`

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"ListShowsEachLetterOnceAndLeavesAll": func(w *world) {
			ids := w.die(25)
			got := w.all(w.deadLetters(w.dead).List(w.Context(), goflow.DeadLetterFilter{}))
			var listed []string
			for _, l := range got {
				listed = append(listed, l.ID)
				require.Equal(w, []any{"bad", 1, "failed", "no", 1, false}, []any{l.Type, l.Generation, l.Reason, l.Error, l.Attempts, l.Unsettled})
				require.WithinDuration(w, time.Now(), l.DiedAt, time.Hour)
			}
			require.ElementsMatch(w, ids, listed)
			w.requireDead(25)
		},
		"ListEndsThoughItsLeasesEnd": func(w *world) {
			w.die(25)
			seen := map[string]int{}
			for l, err := range w.deadLetters(w.dead).List(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
				seen[l.ID]++
				require.Equal(w, 1, seen[l.ID])
				time.Sleep(testLease / 4)
			}
			require.NotEmpty(w, seen)
			w.requireDead(25)
		},
		"WhoLeavesEarlyHoldsNothing": func(w *world) {
			w.die(12)
			for _, err := range w.deadLetters(w.dead).List(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
				break
			}
			w.requireDead(12)
			ctx, cancel := context.WithCancel(w.Context())
			defer cancel()
			var last error
			for _, last = range w.deadLetters(w.dead).List(ctx, goflow.DeadLetterFilter{}) {
				cancel()
			}
			require.ErrorIs(w, last, context.Canceled)
			w.requireDead(12)
			func() {
				defer func() { require.Equal(w, "mine", recover()) }()
				for _, err := range w.deadLetters(w.dead).List(w.Context(), goflow.DeadLetterFilter{}) {
					require.NoError(w, err)
					panic("mine")
				}
			}()
			w.requireDead(12)
		},
		"WhatCannotBeGivenBackIsSaid": func(w *world) {
			w.die(1)
			stuck := &faultyBroker{Broker: w.dead, before: func(method string) error {
				if method == "extend" {
					return port.ErrRefused
				}
				return nil
			}}
			var errs []error
			for _, err := range w.deadLetters(stuck).List(w.Context(), goflow.DeadLetterFilter{Limit: 1}) {
				errs = append(errs, err)
			}
			require.Len(w, errs, 2)
			require.ErrorIs(w, errs[1], port.ErrRefused)
			time.Sleep(testLease)
			w.requireDead(1)
		},
		"RedriveOfOneOpensItsNextGeneration": func(w *world) {
			ids := w.die(3)
			runs := w.mend()
			got := w.all(w.deadLetters(w.dead).Redrive(w.Context(), goflow.DeadLetterFilter{IDs: ids[1:2]}))
			require.Len(w, got, 1)
			w.requireDead(2)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			rec := w.wait(ids[1])
			require.Equal(w, []any{task.Done, 2, 0}, []any{rec.State, rec.Generation, rec.Attempts})
			require.JSONEq(w, `"attempt 1 of generation 2"`, string(rec.Result))
			require.Equal(w, 1, *runs)
			w.requireEmpty(w.queue)
		},
		"RedriveEndsThoughTheTaskDiesAgain": func(w *world) {
			ids := w.die(2)
			n := 0
			for _, err := range w.deadLetters(w.dead).Redrive(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
				w.process(w.newProcessor(), w.receive(w.queue))
				n++
			}
			require.Equal(w, len(ids), n)
			w.requireDead(2)
			require.Equal(w, 2, w.wait(ids[0]).Generation)
		},
		"RedriveThatCannotSendKeepsTheLetter": func(w *world) {
			ids := w.die(1)
			w.broker = &faultyBroker{Broker: w.queue, before: func(string) error { return port.ErrAmbiguous }}
			q, err := goflow.NewDeadLetterQueue(w.dead, w.broker, w.store)
			require.NoError(w, err)
			n := 0
			for l, err := range q.Redrive(w.Context(), goflow.DeadLetterFilter{}) {
				n++
				require.Equal(w, ids[0], l.ID)
				require.ErrorIs(w, err, port.ErrAmbiguous)
			}
			require.Equal(w, 1, n)
			w.requireDead(1)
		},
		"RepeatOfARedriveIsKnownAgain": func(w *world) {
			ids := w.die(2)
			ordered := &lyingBroker{Broker: memory.NewBroker(memory.Ordered(), memory.Lease(testLease), memory.PollWait(time.Second))}
			q, err := goflow.NewDeadLetterQueue(w.dead, ordered, w.store)
			require.NoError(w, err)
			require.Len(w, w.all(q.Redrive(w.Context(), goflow.DeadLetterFilter{IDs: ids})), 2)
			require.Equal(w, 2, ordered.calls)
			into := make([]port.Delivery, port.MaxMessages)
			n, err := ordered.Receive(w.Context(), into)
			require.NoError(w, err)
			require.Equal(w, 2, n)
		},
		"CopyOfARedrivenLetterIsNotRunAgain": func(w *world) {
			ids := w.die(1)
			runs := w.mend()
			dead := &faultyBroker{Broker: w.dead, before: func(method string) error {
				if method == "ack" {
					return port.ErrRefused // the process is killed here
				}
				return nil
			}}
			for _, err := range w.deadLetters(dead).Redrive(w.Context(), goflow.DeadLetterFilter{}) {
				require.ErrorContains(w, err, "a copy stays")
			}
			w.requireDead(1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Len(w, w.all(w.deadLetters(w.dead).Redrive(w.Context(), goflow.DeadLetterFilter{IDs: ids})), 1)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, 1, *runs)
			require.Equal(w, 2, w.wait(ids[0]).Generation)
			w.requireDead(0)
			w.requireEmpty(w.queue)
		},
		"DropDeletesWhatIsChosenAndLeavesTheRecord": func(w *world) {
			ids := w.die(3)
			require.Len(w, w.all(w.deadLetters(w.dead).Drop(w.Context(), goflow.DeadLetterFilter{IDs: ids[:2]})), 2)
			w.requireDead(1)
			require.Equal(w, task.Dead, w.wait(ids[0]).State)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

func TestDeadLetterFilter(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		old := w.die(2)
		time.Sleep(time.Hour)
		between := time.Now()
		time.Sleep(time.Hour)
		w.sendDead("not a task")
		w.sendDead(handMade)
		q := w.deadLetters(w.dead)
		for name, test := range map[string]struct {
			filter goflow.DeadLetterFilter
			want   int
		}{
			"all":          {goflow.DeadLetterFilter{}, 4},
			"type":         {goflow.DeadLetterFilter{Type: "bad"}, 3},
			"other type":   {goflow.DeadLetterFilter{Type: "ba"}, 0},
			"reason":       {goflow.DeadLetterFilter{Reason: "failed"}, 2},
			"moved":        {goflow.DeadLetterFilter{Reason: "moved by SQS"}, 2},
			"IDs":          {goflow.DeadLetterFilter{IDs: []string{old[0], handMadeID}}, 2},
			"upper case":   {goflow.DeadLetterFilter{IDs: []string{"0193A1F0-5B7C-4D3E-8F00-2A4B6C8D0E1F"}}, 1},
			"before":       {goflow.DeadLetterFilter{Before: between}, 2},
			"after":        {goflow.DeadLetterFilter{After: between}, 2},
			"both":         {goflow.DeadLetterFilter{After: between, Reason: "failed"}, 0},
			"limit":        {goflow.DeadLetterFilter{Limit: 3}, 3},
			"limit of one": {goflow.DeadLetterFilter{Limit: 1, Type: "bad"}, 1},
		} {
			require.Len(w, w.all(q.List(w.Context(), test.filter)), test.want, name)
			w.requireDead(4)
		}
	})
}

func TestBadDeadLetterCalls(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, err := goflow.NewDeadLetterQueue(nil, w.queue, w.records)
		require.ErrorIs(w, err, goflow.ErrInvalid)
		_, err = goflow.NewDeadLetterQueue(w.queue, w.queue, w.records)
		require.ErrorIs(w, err, goflow.ErrInvalid, "a redrive would go round")
		alone, err := goflow.NewDeadLetterQueue(w.dead, nil, nil)
		require.NoError(w, err)
		w.die(1)
		for name, letters := range map[string]iter.Seq2[goflow.DeadLetter, error]{
			"ID":      alone.List(w.Context(), goflow.DeadLetterFilter{IDs: []string{"7"}}),
			"limit":   alone.Drop(w.Context(), goflow.DeadLetterFilter{Limit: -1}),
			"redrive": alone.Redrive(w.Context(), goflow.DeadLetterFilter{}),
			"settle":  alone.Settle(w.Context(), goflow.DeadLetterFilter{}),
		} {
			n := 0
			for l, err := range letters {
				n++
				require.ErrorIs(w, err, goflow.ErrInvalid, name)
				require.Empty(w, l.ID)
			}
			require.Equal(w, 1, n, name)
		}
		w.requireDead(1)
	})
}

// The receives of a queue in this process wait for as long as there is nothing.
func TestDeadLettersInThisProcess(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		queue, dead := memory.NewLocalBroker(0), memory.NewLocalBroker(0)
		w.broker = queue
		mended := false
		job := goflow.NewJob[int, int]("t", goflow.MaxAttempts(1))
		job.Handle(w.mux, func(_ context.Context, n int) (int, error) {
			if !mended {
				return 0, errors.New("no")
			}
			return 2 * n, nil
		})
		client, err := goflow.NewClient(queue, w.records)
		require.NoError(w, err)
		stop := w.start(goflow.DeadLetters(dead))
		id, err := job.Push(w.Context(), client, 21)
		require.NoError(w, err)
		require.Equal(w, task.Dead, w.wait(id).State)
		mended = true
		letters, err := goflow.NewDeadLetterQueue(dead, queue, w.records)
		require.NoError(w, err)
		for _, act := range []func(context.Context, goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]{letters.List, letters.Redrive} {
			var ids []string
			for letter, err := range act(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
				ids = append(ids, letter.ID)
			}
			require.Equal(w, []string{id}, ids)
		}
		require.Eventually(w, func() bool {
			rec, err := client.Get(w.Context(), id)
			return err == nil && rec.State == task.Done
		}, time.Minute, time.Millisecond)
		require.NoError(w, stop())
	})
}
