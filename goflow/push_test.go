package goflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// counted registers a handler of "echo" that counts its runs.
func (w *world) counted() *atomic.Int64 {
	w.Helper()
	runs := &atomic.Int64{}
	goflow.NewJob[string, string]("echo").Handle(w.mux, func(_ context.Context, s string) (string, error) {
		runs.Add(1)
		return s, nil
	})
	return runs
}

// over returns a client over faulty ports.
func (w *world) over(b port.Broker, s port.Store) *goflow.Client {
	w.Helper()
	client, err := goflow.NewClient(b, s)
	require.NoError(w, err)
	return client
}

// drain runs a worker until the queue is empty.
func (w *world) drain() {
	w.Helper()
	stop := w.start()
	for begin := time.Now(); time.Since(begin) < day; time.Sleep(time.Second) {
		size, err := w.queue.Size(w.Context())
		require.NoError(w, err)
		if size == (port.Size{}) {
			require.NoError(w, stop())
			return
		}
	}
	require.FailNow(w, "messages are left in the queue after a day")
}

func (w *world) requireSent(n int) {
	w.Helper()
	size, err := w.queue.Size(w.Context())
	require.NoError(w, err)
	require.Equal(w, n, size.Waiting+size.Delayed, "messages in the queue")
}

// sends is a broker whose sends end as they are told, after or without the work.
func (w *world) sends(err error, carriedOut bool) *partialBroker {
	return &partialBroker{faultyBroker: faultyBroker{Broker: w.queue}, fails: func(msg port.Message) error {
		if carriedOut {
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{msg}))
		}
		return err
	}}
}

func (w *world) state(id string) task.State {
	w.Helper()
	rec, err := w.client.Get(w.Context(), id)
	require.NoError(w, err)
	return rec.State
}

var hello = json.RawMessage(`"hello"`)

func inWorlds(t *testing.T, subtests map[string]func(w *world)) {
	t.Helper()
	for name, subtest := range subtests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

func TestPushWithID(t *testing.T) {
	t.Parallel()
	id := goflow.IDFrom("order-17")
	inWorlds(t, map[string]func(w *world){
		"KilledBetweenRowAndSendIsSentByTheNextPush": func(w *world) {
			runs := w.counted()
			_, err := w.over(w.sends(port.ErrRefused, false), w.records).Push(w.Context(), "echo", hello, goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrRefused)
			require.Equal(w, task.Open, w.state(id), "the row is there before the send")
			w.requireEmpty(w.queue)
			require.Equal(w, id, w.push("echo", "hello", goflow.ID(id)))
			w.drain()
			require.Equal(w, task.Done, w.state(id))
			require.Equal(w, int64(1), runs.Load())
		},
		"LostAnswerAndASecondPushAreOneRun": func(w *world) {
			runs := w.counted()
			got, err := w.over(w.sends(port.ErrAmbiguous, true), w.records).Push(w.Context(), "echo", hello, goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrAmbiguous)
			require.Equal(w, id, got)
			w.push("echo", "hello", goflow.ID(id))
			w.requireSent(2)
			// Both are handed out before one is run, to two processes.
			one, two := w.receive(w.queue), w.receive(w.queue)
			w.process(w.newProcessor(), one)
			w.process(w.newProcessor(), two)
			w.requireEmpty(w.queue)
			require.Equal(w, int64(1), runs.Load())
		},
		"CopiesAreNotRunBesideEachOther": func(w *world) {
			running, runs := 0, 0
			goflow.NewJob[string, string]("slow").Handle(w.mux, func(context.Context, string) (string, error) {
				running++
				runs++
				require.Equal(w, 1, running)
				time.Sleep(2 * testLease)
				running--
				return "", nil
			})
			w.push("slow", "x", goflow.ID(id))
			w.push("slow", "x", goflow.ID(id))
			stopOne, stopTwo := w.start(goflow.Concurrency(1)), w.start(goflow.Concurrency(1))
			w.wait(id)
			time.Sleep(4 * testLease)
			require.NoError(w, stopOne())
			require.NoError(w, stopTwo())
			require.Equal(w, 1, runs)
		},
		"FinishedIsReturnedAndNotSent": func(w *world) {
			runs := w.counted()
			w.push("echo", "hello", goflow.ID(id))
			w.drain()
			require.Equal(w, id, w.push("echo", "hello", goflow.ID(id)))
			w.requireSent(0)
			require.NoError(w, w.client.Cancel(w.Context(), w.push("echo", "other", goflow.ID(goflow.IDFrom("other")))))
			w.drain()
			w.push("echo", "other", goflow.ID(goflow.IDFrom("other")))
			w.requireSent(0)
			require.Equal(w, int64(1), runs.Load())
		},
		"OtherPayloadOrTypeIsADuplicate": func(w *world) {
			w.push("echo", "hello", goflow.ID(id))
			for taskType, payload := range map[string]string{"echo": `"other"`, "oche": `"hello"`} {
				got, err := w.client.Push(w.Context(), taskType, json.RawMessage(payload), goflow.ID(id))
				require.ErrorIs(w, err, goflow.ErrDuplicateTask, taskType)
				require.Equal(w, id, got)
			}
			_, err := w.client.Push(w.Context(), "echo", json.RawMessage(` "hello" `), goflow.ID(id))
			require.NoError(w, err, "blanks are not sent")
			w.requireSent(2)
			w.counted()
			w.drain()
			_, err = w.client.Push(w.Context(), "echo", json.RawMessage(`"other"`), goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrDuplicateTask, "the outcome keeps the hash")
		},
		"OfTwoAtTheSameTimeOneWins": func(w *world) {
			errs := make(chan error)
			for i := range 2 {
				go func() {
					_, err := w.client.Push(w.Context(), "echo", fmt.Appendf(nil, "%d", i), goflow.ID(id))
					errs <- err
				}()
			}
			one, two := <-errs, <-errs
			require.True(w, (one == nil) != (two == nil), "%v, %v", one, two)
			require.ErrorIs(w, errors.Join(one, two), goflow.ErrDuplicateTask)
			w.requireSent(1)
		},
		"RowThatCannotBeWrittenStopsTheSend": func(w *world) {
			broken := &faultyStore{Store: w.records, before: func(string) error { return port.ErrUnavailable }}
			_, err := w.over(w.queue, broken).Push(w.Context(), "echo", hello, goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrUnavailable)
			w.requireSent(0)
			broken.before = func(method string) error {
				if method == "load" {
					return port.ErrUnavailable
				}
				return nil
			}
			_, err = w.over(w.queue, broken).Push(w.Context(), "echo", hello, goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrUnavailable, "whether it is a duplicate is not known")
			w.requireSent(0)
		},
		"AmbiguousPushCanBeMadeCertain": func(w *world) {
			runs := w.counted()
			lost, err := w.over(w.sends(port.ErrAmbiguous, true), w.records).Push(w.Context(), "echo", hello)
			require.ErrorIs(w, err, goflow.ErrAmbiguous)
			w.drain()
			require.Equal(w, lost, w.push("echo", "hello", goflow.ID(lost)))
			w.requireSent(0)
			require.Equal(w, int64(1), runs.Load())
		},
		"ManyHaveTheirOwnAndAnErrorEach": func(w *world) {
			w.push("echo", "first", goflow.ID(id))
			tasks := make([]task.Task, 60)
			for i := range tasks {
				tasks[i] = task.Task{Type: "echo", Payload: i, ID: goflow.IDFrom(fmt.Sprint(i))}
			}
			tasks[3].ID, tasks[30].ID, tasks[31].ID = id, "no UUID", ""
			tasks[40] = task.Task{Type: "echo", Payload: "again", ID: tasks[39].ID}
			ids, err := w.client.PushMany(w.Context(), tasks)
			for i := range tasks {
				switch err := port.ItemError(err, i); i {
				case 3, 40:
					require.ErrorIs(w, err, goflow.ErrDuplicateTask, "task %d", i)
				case 30:
					require.ErrorIs(w, err, goflow.ErrInvalid)
					require.Empty(w, ids[i])
				default:
					require.NoError(w, err, "task %d", i)
				}
				if i != 30 && i != 31 {
					require.Equal(w, tasks[i].ID, ids[i])
				}
			}
			w.requireSent(1 + 57)
			_, err = w.client.PushMany(w.Context(), tasks[:2], goflow.ID(id))
			require.ErrorIs(w, port.ItemError(err, 0), goflow.ErrInvalid)
			require.ErrorIs(w, port.ItemError(err, 1), goflow.ErrInvalid)
			w.requireSent(1 + 57)
		},
		"WhatIsNoUUIDIsRefused": func(w *world) {
			_, err := w.client.Push(w.Context(), "echo", hello, goflow.ID("order-17"))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			require.ErrorContains(w, err, `ID("order-17")`)
			w.requireSent(0)
		},
		"LocalModeKeepsItsValues": func(w *world) {
			gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
			runs := 0
			job := goflow.NewJob[[]string, int]("count")
			job.Handle(gf.Mux(), func(_ context.Context, s []string) (int, error) { runs++; return len(s), nil })
			require.NoError(w, gf.Start())
			for range 3 {
				got, err := job.Push(w.Context(), gf.Client(), []string{"a"}, goflow.ID(id))
				require.NoError(w, err)
				n, err := job.Wait(w.Context(), gf.Client(), got)
				require.NoError(w, err)
				require.Equal(w, 1, n)
			}
			_, err := job.Push(w.Context(), gf.Client(), []string{"b"}, goflow.ID(id))
			require.ErrorIs(w, err, goflow.ErrDuplicateTask)
			require.NoError(w, gf.Close())
			require.Equal(w, 1, runs)
		},
	})
}

func TestIDsOfNamesAreUUIDv8(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, goflow.IDFrom("order-17"))
	// printf order-17 | sha256sum, with version and variant set.
	require.Equal(t, "72a90ea3-da8b-8dd0-9bde-2f27314e02e2", goflow.IDFrom("order-17"))
	require.NotEqual(t, goflow.IDFrom("order-17"), goflow.IDFrom("order-18"))
}

func TestTrack(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"TaskIsKnownFromThePushOn": func(w *world) {
			require.Equal(w, task.Unknown, w.state(w.push("echo", "x")))
			id := w.push("echo", "x", goflow.Track())
			require.Equal(w, task.Open, w.state(id))
			w.counted()
			w.drain()
			require.Equal(w, task.Done, w.state(id))
		},
		"RowComesBeforeTheMessage": func(w *world) {
			broken := &faultyStore{Store: w.records, before: func(string) error { return port.ErrRefused }}
			_, err := w.over(w.queue, broken).Push(w.Context(), "echo", hello, goflow.Track())
			require.ErrorIs(w, err, goflow.ErrRefused)
			w.requireSent(0)
		},
		"FirstRunIsStillOneWriteAndNoRead": func(w *world) {
			counting := &faultyStore{Store: w.records}
			w.store = counting
			w.counted()
			w.push("echo", "x", goflow.Track())
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, []string{"save"}, counting.list)
		},
	})
}

// TestAmbiguity: a push is ambiguous only when the message may have been sent.
func TestAmbiguity(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){}
	for name, c := range map[string]struct {
		err       error
		ambiguous bool
	}{
		"Throttled":                 {port.ErrUnavailable, false},
		"Refused":                   {port.ErrRefused, false},
		"Closed":                    {port.ErrClosed, false},
		"TooLarge":                  {port.ErrTooLarge, false},
		"Invalid":                   {port.ErrInvalid, false},
		"AnswerLost":                {port.ErrAmbiguous, true},
		"ErrorThatSaysNothing":      {errors.New("a broker of your own"), true},
		"EndOfAContextInTheRequest": {context.DeadlineExceeded, true},
	} {
		subtests[name] = func(w *world) {
			broker := w.sends(c.err, false)
			id, err := w.over(broker, w.records).Push(w.Context(), "echo", hello)
			require.Len(w, id, 36, "the ID comes with every error")
			require.ErrorIs(w, err, c.err)
			require.Equal(w, c.ambiguous, errors.Is(err, goflow.ErrAmbiguous), "%v", err)
		}
	}
	subtests["EndedContextSendsNothing"] = func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		_, err := w.client.Push(ctx, "echo", hello, goflow.Track())
		require.ErrorIs(w, err, context.Canceled)
		require.NotErrorIs(w, err, goflow.ErrAmbiguous)
		w.requireSent(0)
	}
	subtests["ThrottledThenLostIsAmbiguous"] = func(w *world) {
		errs := []error{port.ErrUnavailable, port.ErrUnavailable, port.ErrAmbiguous}
		broker := w.sends(nil, false)
		broker.fails = func(port.Message) error {
			err := errs[0]
			errs = errs[1:]
			return err
		}
		_, err := w.over(broker, w.records).Push(w.Context(), "echo", hello)
		require.ErrorIs(w, err, goflow.ErrAmbiguous)
		require.Empty(w, errs)
	}
	inWorlds(t, subtests)
}
