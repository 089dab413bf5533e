package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestCloseEndsWaiting(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]bool{"Polled": true, "Awaited": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				if polls {
					w.polling()
				}
				ids := w.pushed(2)
				open, alsoOpen := w.waiting(w.Context(), ids[0]), w.waiting(w.Context(), ids[0])
				require.NoError(w, w.client.Close())
				for _, done := range []<-chan waited{open, alsoOpen} {
					got := <-done
					require.ErrorIs(w, got.err, goflow.ErrClosed)
					require.Zero(w, got.took)
				}
				w.end(task.Done, ids[1])
				require.Equal(w, task.Done, w.wait(ids[1]).State, "what there is")
				require.ErrorIs(w, (<-w.waiting(w.Context(), ids[0])).err, goflow.ErrClosed)
			})
		})
	}
}

// sleepyStore is an Awaiter that has not woken anybody yet.
type sleepyStore struct{ port.Store }

func (sleepyStore) Await(ctx context.Context, id string) (port.Record, error) {
	<-ctx.Done()
	return port.Record{ID: id}, ctx.Err()
}

// An outcome that is there when the client closes is not hidden by it.
func TestCloseLooksOnceMore(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var err error
		w.client, err = goflow.NewClient(w.queue, sleepyStore{w.records})
		require.NoError(w, err)
		id := w.pushed(1)[0]
		done := w.waiting(w.Context(), id)
		w.end(task.Done, id)
		require.NoError(w, w.client.Close())
		require.NoError(w, (<-done).err)
	})
}

// What a worker of local mode still runs while it closes, whoever waits gets.
func TestCloseOfLocalModeServesWhoWaits(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]goflow.Option{
		"Values": nil, "Wire": {goflow.WithWireCheck()}, "OwnStore": {goflow.WithResultsStore(store.NewInMemoryKVStore[string, task.Result]())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), append(opts, goflow.WithDrainTime(5*time.Second))...)
				job := goflow.NewJob[time.Duration, string]("rest")
				job.Handle(gf.Mux(), func(ctx context.Context, d time.Duration) (string, error) {
					select {
					case <-time.After(d):
						return "rested", nil
					case <-ctx.Done():
						return "", ctx.Err()
					}
				})
				require.NoError(t, gf.Start())
				results := make(chan string, 2)
				for _, d := range []time.Duration{3 * time.Second, time.Hour} {
					id, err := job.Push(t.Context(), gf.Client(), d)
					require.NoError(t, err)
					go func() {
						got, err := job.Wait(t.Context(), gf.Client(), id)
						results <- fmt.Sprint(got, err)
					}()
				}
				synctest.Wait()
				var abandoned *goflow.AbandonedError
				require.ErrorAs(t, gf.Close(), &abandoned)
				require.Len(t, abandoned.IDs, 1)
				require.Equal(t, "rested<nil>", <-results)
				require.Contains(t, <-results, "closed")
			})
		})
	}
}

func TestWaitTakesAnyList(t *testing.T) {
	t.Parallel()
	eachInWorld(t, map[string]func(w *world){
		"WaitAllYieldsEachTaskOnce": func(w *world) {
			w.polling()
			ids := w.pushed(2)
			w.end(task.Done, ids...)
			seen := map[string]int{}
			for rec, err := range w.client.WaitAll(w.Context(), []string{ids[0], "no UUID", ids[1], ids[0], "no UUID"}) {
				seen[rec.ID]++
				if rec.ID == "no UUID" {
					require.ErrorIs(w, err, goflow.ErrInvalid)
					require.ErrorContains(w, err, `"no UUID"`)
					continue
				}
				require.NoError(w, err)
				require.Equal(w, task.Done, rec.State)
			}
			require.Equal(w, map[string]int{ids[0]: 1, ids[1]: 1, "no UUID": 1}, seen)
			for rec, err := range w.client.WaitAll(w.Context(), nil) {
				require.Fail(w, "no IDs, no outcomes", "%v %v", rec, err)
			}
		},
		"WaitAllCanBeLeftInTheMiddle": func(w *world) {
			store := w.polling()
			ids := w.pushed(3)
			w.end(task.Done, ids[1:]...)
			for _, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err)
				break
			}
			store.count()
			time.Sleep(time.Minute)
			calls, _ := store.count()
			require.Zero(w, calls)
		},
		"WaitAnyReturnsTheFirst": func(w *world) {
			ids := w.pushed(3)
			go func() {
				time.Sleep(time.Second)
				w.end(task.Dead, ids[1])
			}()
			rec, err := w.client.WaitAny(w.Context(), append(ids, ids...))
			require.NoError(w, err)
			require.Equal(w, ids[1], rec.ID)
		},
		"WaitAnyNamesWhatIsWrong": func(w *world) {
			_, err := w.client.WaitAny(w.Context(), nil)
			require.ErrorIs(w, err, goflow.ErrInvalid)
			require.ErrorContains(w, err, "give one or more")
			_, err = w.client.WaitAny(w.Context(), []string{w.pushed(1)[0], "x"})
			require.ErrorIs(w, err, goflow.ErrInvalid)
			ctx, cancel := context.WithTimeout(w.Context(), time.Second)
			defer cancel()
			_, err = w.client.WaitAny(ctx, w.pushed(3))
			require.ErrorIs(w, err, goflow.ErrNotFinished)
			require.ErrorIs(w, err, context.DeadlineExceeded)
			require.ErrorContains(w, err, "any of 3 tasks")
		},
		"WaitAnyLeavesOutWhatCannotCome": func(w *world) {
			old := w.pushed(2)
			time.Sleep(goflow.DefaultRecordTTL + 2*time.Hour)
			id := w.pushed(1)[0]
			go func() {
				time.Sleep(time.Minute)
				w.end(task.Done, id)
			}()
			rec, err := w.client.WaitAny(w.Context(), append(old, id))
			require.NoError(w, err)
			require.Equal(w, id, rec.ID)
			_, err = w.client.WaitAny(w.Context(), old)
			require.ErrorIs(w, err, goflow.ErrNotFound)
		},
		"JobWaitsForAllAndAny": func(w *world) {
			job := goflow.NewJob[int, string]("t")
			ids := w.pushed(3)
			w.end(task.Done, ids[0])
			w.end(task.Cancelled, ids[1])
			w.end(task.Done, ids[2])
			got := map[string]string{}
			for r, err := range job.WaitAll(w.Context(), w.client, ids) {
				if r.ID == ids[1] {
					require.ErrorIs(w, err, goflow.ErrCancelled)
					continue
				}
				require.NoError(w, err)
				got[r.ID] = r.Value
			}
			require.Equal(w, map[string]string{ids[0]: ids[0], ids[2]: ids[2]}, got)
			r, err := job.WaitAny(w.Context(), w.client, ids[:1])
			require.NoError(w, err)
			require.Equal(w, goflow.Result[string]{ID: ids[0], Value: ids[0]}, r)
			r, err = job.WaitAny(w.Context(), w.client, ids[1:2])
			require.ErrorIs(w, err, goflow.ErrCancelled)
			require.Equal(w, ids[1], r.ID)
		},
	})
}

func TestErrorsTellWhatBecameOfATask(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, string]("t")
	sentinels := []error{goflow.ErrCancelled, goflow.ErrExpired, goflow.ErrNotFinished, goflow.ErrNotFound}
	for name, want := range map[string]struct {
		state task.State
		is    []error
		typed bool
	}{
		"Done":      {state: task.Done},
		"Dead":      {state: task.Dead, typed: true},
		"Cancelled": {state: task.Cancelled, typed: true, is: sentinels[:1]},
		"Expired":   {state: task.Expired, typed: true, is: sentinels[1:2]},
		"Open":      {state: task.Open, is: sentinels[2:3]},
		"Unknown":   {state: task.Unknown, is: sentinels[2:3]},
	} {
		for _, polls := range []bool{true, false} {
			t.Run(fmt.Sprint(name, polls), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					if polls {
						w.polling()
					}
					id := w.pushed(1)[0]
					if want.state != task.Unknown {
						w.end(want.state, id)
					}
					ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
					defer cancel()
					got, err := job.Wait(ctx, w.client, id)
					require.Equal(w, want.state == task.Done, err == nil)
					require.Equal(w, want.state == task.Done, got == id)
					for _, sentinel := range sentinels {
						require.Equal(w, slices.Contains(want.is, sentinel), errors.Is(err, sentinel), "%v: %v", sentinel, err)
					}
					var failed *goflow.TaskError
					require.Equal(w, want.typed, errors.As(err, &failed))
					if want.typed {
						require.Equal(w, want.state, failed.State)
					}
				})
			})
		}
	}
}

// A wait that is under way when its task becomes too old ends then.
func TestWaitEndsWhenNothingCanComeAnyMore(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]bool{"Polled": true, "Awaited": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				ids := w.pushed(2)
				var err error
				store := port.Store(w.records)
				if polls {
					store = &polledStore{Store: w.records}
				}
				w.client, err = goflow.NewClient(w.queue, store, goflow.RecordTTL(time.Minute))
				require.NoError(w, err)
				w.end(task.Open, ids[1])
				open := w.waiting(w.Context(), ids[1])
				got := <-w.waiting(w.Context(), ids[0])
				require.ErrorIs(w, got.err, goflow.ErrNotFound)
				require.InDelta(w, 61, got.took.Minutes(), 1)
				time.Sleep(time.Hour)
				w.end(task.Done, ids[1])
				require.NoError(w, (<-open).err, "a record of any age is known")
			})
		})
	}
}

func TestNoResult(t *testing.T) {
	t.Parallel()
	eachInWorld(t, map[string]func(w *world){
		"RecordThatIsThereIsClosed": func(w *world) {
			runs := 0
			goflow.NewJob[string, string]("flaky", goflow.NoResult()).Handle(w.mux, func(context.Context, string) (string, error) {
				if runs++; runs == 1 {
					return "", errors.New("no")
				}
				return "forgotten", nil
			})
			goflow.NewJob[string, string]("echo", goflow.NoResult()).Handle(w.mux, echo)
			stop := w.start()
			retried, own := w.push("flaky", "x"), w.push("echo", "x", goflow.ID(goflow.IDFrom("order-17")))
			for _, id := range []string{retried, own} {
				rec := w.wait(id)
				require.Equal(w, task.Done, rec.State)
				require.NotContains(w, string(rec.Result), "x")
			}
			require.NoError(w, stop())
		},
		"SuccessWritesNothing": func(w *world) {
			store := &faultyStore{Store: w.records}
			w.store = store
			goflow.NewJob[string, string]("echo", goflow.NoResult()).Handle(w.mux, echo)
			id := w.push("echo", "x")
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Empty(w, store.list)
			w.requireEmpty(w.queue)
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, task.Unknown, rec.State)
		},
		"FailureIsRecorded": func(w *world) {
			goflow.NewJob[string, string]("fail", goflow.NoResult(), goflow.MaxAttempts(2)).Handle(w.mux, func(context.Context, string) (string, error) {
				return "", context.DeadlineExceeded
			})
			id := w.push("fail", "x")
			p := w.newProcessor()
			w.process(p, w.receive(w.queue))
			w.process(p, w.receive(w.queue))
			rec := w.wait(id)
			require.Equal(w, []any{task.Dead, 2}, []any{rec.State, rec.Attempts})
			w.deadLetter()
		},
		"TypedWaitIsRefusedAtOnce": func(w *world) {
			store := w.polling()
			job := goflow.NewJob[string, string]("echo", goflow.NoResult())
			_, err := job.Wait(w.Context(), w.client, w.pushed(1)[0])
			require.ErrorIs(w, err, goflow.ErrNoResult)
			require.ErrorContains(w, err, "echo")
			_, err = job.WaitAny(w.Context(), w.client, w.pushed(2))
			require.ErrorIs(w, err, goflow.ErrNoResult)
			n := 0
			for _, err := range job.WaitAll(w.Context(), w.client, w.pushed(2)) {
				require.ErrorIs(w, err, goflow.ErrNoResult)
				n++
			}
			require.Equal(w, 1, n)
			calls, _ := store.count()
			require.Zero(w, calls)
		},
	})
	require.PanicsWithValue(t, "goflow: invalid option NoResult() beside Once(): to run a task once, its outcome has to be kept", func() {
		goflow.NewJob[int, int]("both", goflow.Once(), goflow.NoResult())
	})
}

// Who waits when a task ends is told of it, however few records are kept.
func TestWaiterIsToldThoughTheRecordIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, s, mux := memory.NewBroker(), memory.NewStore(memory.MaxRecords(1)), goflow.NewMux()
		job := goflow.NewJob[int, int]("double")
		job.Handle(mux, func(_ context.Context, n int) (int, error) { time.Sleep(time.Second); return 2 * n, nil })
		w, err := goflow.NewWorker(b, s, mux, goflow.NoDeadLetters(), goflow.Concurrency(10))
		require.NoError(t, err)
		client, err := goflow.NewClient(b, s)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		stopped, ended := make(chan error, 1), make(chan error, 10)
		go func() { stopped <- w.Run(ctx) }()
		for n := range 10 {
			id, err := job.Push(t.Context(), client, n)
			require.NoError(t, err)
			go func() {
				waiting, enough := context.WithTimeout(t.Context(), time.Hour)
				defer enough()
				_, err := job.Wait(waiting, client, id)
				ended <- err
			}()
		}
		for range 10 {
			require.NoError(t, <-ended)
		}
		cancel()
		require.NoError(t, <-stopped)
		require.NoError(t, client.Close())
	})
}

// The same in local mode.
func TestWaiterOfALocalStoreIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.NewLocalStore(memory.MaxRecords(1))
		client, err := goflow.NewClient(memory.NewLocalBroker(0), s)
		require.NoError(t, err)
		id, err := client.Push(t.Context(), "t", []byte("1"))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := client.Wait(ctx, id)
			ended <- err
		}()
		synctest.Wait()
		done := []port.Record{{ID: id, State: task.Done, Generation: 1}, {ID: goflow.IDFrom("other"), State: task.Done, Generation: 1}}
		require.NoError(t, s.Save(t.Context(), done))
		require.NoError(t, <-ended)
	})
}
