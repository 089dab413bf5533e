package goflow_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestCrash(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){
		"TaskThatKillsItsProcessDiesAfterOneRunMoreThanItsAttempts": func(w *world) {
			const attempts = 3
			runs := 0
			store := &faultyStore{Store: w.records}
			w.store = store
			goflow.NewJob[int, int]("bomb", goflow.MaxAttempts(attempts)).Handle(w.mux, func(context.Context, int) (int, error) {
				runs++
				store.before = func(string) error { return port.ErrRefused } // from here on the process is dead
				return 0, nil
			})
			id := w.push("bomb", 1)
			for range attempts + 3 {
				d := w.receive(w.queue)
				store.before = nil
				p := w.newProcessor() // a new process
				if o := p.Process(w.Context(), d); o.Action == goflow.Ack {
					require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
					break
				}
			}
			store.before = nil
			rec := w.wait(id)
			require.Equal(w, task.Dead, rec.State)
			require.Contains(w, rec.Error, "process died")
			require.Equal(w, attempts+1, runs)
			_, note := w.deadLetter()
			require.Equal(w, "crashed", note["reason"])
			w.requireEmpty(w.queue)
		},
		"TaskThatMayFailLessOftenThanItHasIsNoCrash": func(w *world) {
			fail := func(context.Context, int) (int, error) { return 0, errors.New("no such customer") }
			goflow.NewJob[int, int]("bill", goflow.MaxAttempts(5), goflow.Backoff(time.Millisecond, time.Millisecond)).Handle(w.mux, fail)
			id := w.push("bill", 1)
			for range 3 {
				require.Equal(w, goflow.Release, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			}
			w.mux = goflow.NewMux() // of a newer program
			goflow.NewJob[int, int]("bill", goflow.MaxAttempts(2)).Handle(w.mux, fail)
			w.process(w.newProcessor(), w.receive(w.queue))
			rec := w.wait(id)
			require.Equal(w, []any{task.Dead, "failed", "no such customer"}, []any{rec.State, rec.Reason, rec.Error})
		},
		"RunsThatAStopHasCutOffAreNoSuspects": func(w *world) {
			const n = 4
			var most, running atomic.Int64
			goflow.NewJob[int, int]("long", goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, n int) (int, error) {
				if now := running.Add(1); now > most.Load() {
					most.Store(now)
				}
				defer running.Add(-1)
				select {
				case <-time.After(time.Minute):
				case <-ctx.Done():
				}
				return n, ctx.Err()
			})
			stop := w.start(goflow.Drain(time.Second))
			ids := w.pushedAs("long", n)
			time.Sleep(10 * time.Second)
			require.Error(w, stop(), "they are abandoned")
			most.Store(0)
			stop = w.start()
			w.waitAll(ids)
			require.NoError(w, stop())
			require.EqualValues(w, n, most.Load(), "at a time")
		},
		"DeadTaskWithoutDeadLetterGetsIt": func(w *world) {
			dead := &faultyBroker{Broker: w.dead, before: func(string) error { return port.ErrUnavailable }}
			goflow.NewJob[int, int]("bad", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, goflow.Permanent(errors.New("no"))
			})
			id := w.push("bad", 1)
			o := w.process(w.newProcessor(goflow.DeadLetters(dead)), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action)
			require.Equal(w, task.Dead, w.wait(id).State, "whoever waits is served though the dead-letter queue is down")
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			_, note := w.deadLetter()
			require.Equal(w, id, note["id"])
			require.Equal(w, "permanent", note["reason"], "as it was before the crash")
			w.requireEmpty(w.queue)
		},
		"RedrivenTaskStartsAfresh": func(w *world) {
			healthy := false
			goflow.NewJob[string, string]("mend", goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, s string) (string, error) {
				info, _ := goflow.TaskFromContext(ctx)
				if !healthy {
					return "", errors.New("broken")
				}
				require.Equal(w, 1, info.Attempt)
				require.Equal(w, 2, info.Generation)
				return s, nil
			})
			id := w.push("mend", "x")
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, task.Dead, w.wait(id).State)
			letter := w.receive(w.dead)
			healthy = true
			again := port.Message{ID: id, Body: letter.Body, Attributes: letter.Attributes}
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{again, again})) // redriven, and once too often
			w.process(w.newProcessor(), w.receive(w.queue))
			rec := w.wait(id)
			require.Equal(w, task.Done, rec.State)
			require.Equal(w, 2, rec.Generation)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			w.requireEmpty(w.queue)
		},
		"RedrivenTaskDiesAgainInItsOwnGeneration": func(w *world) {
			goflow.NewJob[int, int]("bad", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, errors.New("no")
			})
			id := w.push("bad", 1)
			for generation := 1; generation <= 3; generation++ {
				w.process(w.newProcessor(), w.receive(w.queue))
				rec := w.wait(id)
				require.Equal(w, generation, rec.Generation)
				letter, note := w.deadLetter()
				require.InDelta(w, generation, note["generation"], 0)
				require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: letter.Body, Attributes: letter.Attributes}}))
			}
		},
		"OneSuspectRunsAtATime": func(w *world) {
			running, most := 0, 0
			goflow.NewJob[int, int]("suspect", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				running++
				most = max(most, running)
				time.Sleep(time.Second)
				running--
				return 0, nil
			})
			ids := []string{w.push("suspect", 1), w.push("suspect", 2), w.push("suspect", 3)}
			for range ids { // received by a process that dies
				w.receive(w.queue)
			}
			stop := w.start()
			for _, id := range ids {
				require.Equal(w, task.Done, w.wait(id).State)
			}
			require.NoError(w, stop())
			require.Equal(w, 1, most)
		},
		"StartMarkKeepsTheClaim": func(w *world) {
			var runs atomic.Int64
			finish := make(chan struct{})
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
				if runs.Add(1) == 1 {
					<-finish
				}
				return 0, nil
			})
			id := w.push("once", 1)
			lost := w.receive(w.queue) // by a process that died: the next receive marks the start
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: lost.Body}}))
			beside := w.receive(w.queue)
			require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: lost}}))
			first := make(chan goflow.Outcome)
			d := w.receive(w.queue)
			require.Equal(w, 2, d.Receives)
			go func() { first <- w.newProcessor().Process(w.Context(), d) }()
			synctest.Wait()
			require.Equal(w, goflow.Release, w.newProcessor().Process(w.Context(), beside).Action)
			close(finish)
			require.Equal(w, goflow.Ack, (<-first).Action)
			require.Equal(w, int64(1), runs.Load())
		},
		"OnceIsNotRunBesideItself": func(w *world) {
			running, runs := 0, 0
			job := goflow.NewJob[int, int]("once", goflow.Once())
			job.Handle(w.mux, func(context.Context, int) (int, error) {
				running++
				runs++
				require.Equal(w, 1, running)
				time.Sleep(2 * testLease)
				running--
				return 0, nil
			})
			id := w.push("once", 1)
			first := w.receive(w.queue)
			body := first.Body
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: body}})) // a copy
			require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: first}}))
			stopOne, stopTwo := w.start(goflow.Concurrency(1)), w.start(goflow.Concurrency(1))
			require.Equal(w, task.Done, w.wait(id).State)
			time.Sleep(4 * testLease)
			require.NoError(w, stopOne())
			require.NoError(w, stopTwo())
			require.Equal(w, 1, runs)
			w.requireEmpty(w.queue)
		},
	}
	for name, subtest := range subtests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}
