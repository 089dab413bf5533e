package goflow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// halfLease is what a cancelled task may go on for.
const halfLease = testLease / 2

// run is one run of a task that lasts until its context ends.
type run struct {
	began chan struct{}

	mu        sync.Mutex
	cancelled time.Time // when Cancel was called
	ended     bool
	why       error         // of the end
	took      time.Duration // from cancelled to the end
}

func newRun() *run { return &run{began: make(chan struct{})} }

// until waits for the end of the context, then returns err.
func (r *run) until(ctx context.Context, err error) error {
	close(r.began)
	<-ctx.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.why, r.took = true, context.Cause(ctx), time.Since(r.cancelled)
	return err
}

// cancel cancels the task once it has run for a while.
func (r *run) cancel(t *testing.T, c *goflow.Client, id string) {
	t.Helper()
	<-r.began
	time.Sleep(7 * time.Second)
	r.mu.Lock()
	r.cancelled = time.Now()
	r.mu.Unlock()
	require.NoError(t, c.Cancel(t.Context(), id))
	require.ErrorIs(t, c.Cancel(t.Context(), id), goflow.ErrFinished)
}

// requireEnd says why and how soon the context ended.
func (r *run) requireEnd(t *testing.T, within time.Duration) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.True(t, r.ended, "the handler's context goes on")
	require.ErrorIs(t, r.why, goflow.ErrCancelled)
	require.LessOrEqual(t, r.took, within)
}

// requireCancelled says what is left of a cancelled task.
func (w *world) requireCancelled(id string) {
	w.Helper()
	recs, err := w.records.Load(w.Context(), []string{id}, true)
	require.NoError(w, err)
	require.Equal(w, task.Cancelled, recs[0].State)
	require.Empty(w, recs[0].Result)
	require.Empty(w, recs[0].Error)
	w.requireEmpty(w.queue)
	w.requireEmpty(w.dead)
}

// TestCancelRunning cancels a task that runs, in each way in which its handler
// can end, in a pool and in a batch.
func TestCancelRunning(t *testing.T) {
	t.Parallel()
	ends := map[string]error{"Nil": nil, "Error": errors.New("late"), "Permanent": goflow.Permanent(errors.New("late")), "Retry": goflow.RetryAfter(time.Hour, errors.New("late"))}
	jobs := map[string]goflow.JobOption{"Cancellable": goflow.Cancellable(), "Once": goflow.Once()}
	for jobName, option := range jobs {
		for endName, end := range ends {
			define := func(w *world) *run {
				r := newRun()
				goflow.NewJob[int, int]("long", option, goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, n int) (int, error) {
					return n, r.until(ctx, end)
				})
				return r
			}
			t.Run("Pool/"+jobName+"/"+endName, func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					r := define(w)
					stop := w.start()
					id := w.push("long", 1)
					r.cancel(w.T, w.client, id)
					begin := time.Now()
					require.Equal(w, task.Cancelled, w.wait(id).State)
					require.Zero(w, time.Since(begin), "whoever waits, waits no longer")
					time.Sleep(3 * testLease)
					require.NoError(w, stop())
					r.requireEnd(w.T, halfLease)
					w.requireCancelled(id)
				})
			})
			t.Run("Batch/"+jobName+"/"+endName, func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					r := define(w)
					id := w.push("long", 1)
					d := w.receive(w.queue)
					go r.cancel(w.T, w.client, id)
					ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute)
					defer cancel()
					outcomes, err := w.newBatchWorker().Work(ctx, goflow.Batch{Deliveries: []goflow.Delivery{d}})
					require.NoError(w, err)
					require.Equal(w, []goflow.Outcome{{Action: goflow.Ack}}, outcomes)
					r.requireEnd(w.T, 30*time.Second)
					recs, err := w.records.Load(w.Context(), []string{id}, true)
					require.NoError(w, err)
					require.Equal(w, []any{task.Cancelled, ""}, []any{recs[0].State, recs[0].Error})
				})
			})
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	eachInWorld(t, map[string]func(w *world){
		"RunningTaskIsLeftAloneUnlessItsJobIsCancellable": func(w *world) {
			for _, end := range []error{nil, errors.New("late"), goflow.Permanent(errors.New("late"))} {
				w.mux = goflow.NewMux()
				var runs atomic.Int64
				var interrupted error
				goflow.NewJob[int, int]("long").Handle(w.mux, func(ctx context.Context, n int) (int, error) {
					runs.Add(1)
					time.Sleep(2 * testLease)
					interrupted = ctx.Err()
					return n, end
				})
				stop := w.start()
				id := w.push("long", 1)
				time.Sleep(time.Second)
				require.NoError(w, w.client.Cancel(w.Context(), id))
				require.Equal(w, task.Cancelled, w.wait(id).State)
				time.Sleep(20 * testLease)
				require.NoError(w, stop())
				require.NoError(w, interrupted)
				require.Equal(w, int64(1), runs.Load(), "no retry follows")
				w.requireCancelled(id)
			}
		},
		"NoRetryFollows": func(w *world) {
			var runs atomic.Int64
			goflow.NewJob[int, int]("flaky").Handle(w.mux, func(context.Context, int) (int, error) {
				runs.Add(1)
				return 0, goflow.RetryAfter(time.Hour, errors.New("busy"))
			})
			stop := w.start()
			id := w.push("flaky", 1)
			time.Sleep(time.Minute)
			require.NoError(w, w.client.Cancel(w.Context(), id))
			time.Sleep(2 * time.Hour)
			require.NoError(w, stop())
			require.Equal(w, int64(1), runs.Load())
			rec := w.wait(id)
			require.Equal(w, []any{task.Cancelled, 1}, []any{rec.State, rec.Attempts})
			w.requireCancelled(id)
		},
		"NothingStartsAfterIt": func(w *world) {
			for _, option := range []goflow.JobOption{goflow.Cancellable(), goflow.Once()} {
				w.mux = goflow.NewMux()
				goflow.NewJob[int, int]("never", option).Handle(w.mux, func(context.Context, int) (int, error) {
					w.Error("ran")
					return 0, nil
				})
				id := w.push("never", 1, goflow.Delay(time.Minute))
				require.NoError(w, w.client.Cancel(w.Context(), id))
				require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
				w.requireCancelled(id)
			}
		},
		"HandlerThatIgnoresItFreesItsSlot": func(w *world) {
			for _, option := range []goflow.JobOption{goflow.Cancellable(), goflow.Once()} {
				w.mux = goflow.NewMux()
				began, release := make(chan struct{}), make(chan struct{})
				goflow.NewJob[int, int]("deaf", option, goflow.Timeout(time.Hour)).Handle(w.mux, func(context.Context, int) (int, error) {
					close(began)
					<-release
					return 1, nil
				})
				goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
				goflow.NewJob[int, int]("long", goflow.Timeout(time.Hour)).Handle(w.mux, func(context.Context, int) (int, error) {
					<-release
					return 1, nil
				})
				stop := w.start(goflow.Concurrency(2))
				id := w.push("deaf", 1)
				<-began
				long := w.push("long", 1)
				synctest.Wait()
				echoed := w.push("echo", "x")
				require.NoError(w, w.client.Cancel(w.Context(), id))
				begin := time.Now()
				w.wait(echoed)
				require.LessOrEqual(w, time.Since(begin), halfLease+2*time.Second)
				close(release)
				w.wait(long)
				require.NoError(w, stop())
				w.requireCancelled(id)
			}
		},
		"RunningTasksAreReadTogether": func(w *world) {
			records := &polledStore{Store: w.records}
			w.store = records
			goflow.NewJob[int, int]("long", goflow.Cancellable(), goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				return 0, sleepFor(ctx, 10*testLease)
			})
			stop := w.start(goflow.Concurrency(150))
			w.pushedAs("long", 150)
			time.Sleep(time.Second)
			calls, ids := records.count()
			require.Equal(w, []int{2, 150}, []int{calls, ids}, "before the run of each")
			time.Sleep(2 * testLease)
			calls, ids = records.count()
			require.Equal(w, []int{2 * 4, 150 * 4}, []int{calls, ids}, "two calls each half lease")
			time.Sleep(20 * testLease)
			records.count()
			time.Sleep(20 * testLease)
			calls, _ = records.count()
			require.Zero(w, calls, "nobody runs")
			require.NoError(w, stop())
		},
		"OnceNeedsNoReadBesideItsClaim": func(w *world) {
			records := &polledStore{Store: w.records}
			w.store = records
			goflow.NewJob[int, int]("long", goflow.Once(), goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				return 0, sleepFor(ctx, 10*testLease)
			})
			stop := w.start()
			w.wait(w.push("long", 1))
			require.NoError(w, stop())
			calls, _ := records.count()
			require.Zero(w, calls, "the claim says what the record says")
		},
		"LookThatFailsIsRepeatedSoon": func(w *world) {
			records := &polledStore{Store: w.records}
			w.store = records
			r := newRun()
			var began atomic.Bool
			var failed sync.Once
			records.hook = func(context.Context) (err error) {
				if began.Load() {
					failed.Do(func() { err = port.ErrUnavailable })
				}
				return err
			}
			goflow.NewJob[int, int]("long", goflow.Cancellable(), goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, n int) (int, error) {
				return n, r.until(ctx, nil)
			})
			stop := w.start()
			id := w.push("long", 1)
			<-r.began
			began.Store(true)
			r.cancel(w.T, w.client, id)
			time.Sleep(2 * testLease)
			require.NoError(w, stop())
			r.requireEnd(w.T, halfLease)
		},
		"CauseAloneEndsNoTask": func(w *world) {
			for _, option := range []goflow.JobOption{goflow.Cancellable(), goflow.Once()} {
				w.mux = goflow.NewMux()
				ctx, cancel := context.WithCancelCause(w.Context())
				goflow.NewJob[int, int]("long", option).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
					cancel(goflow.ErrCancelled) // by a home that is mistaken
					return 0, ctx.Err()
				})
				w.push("long", 1)
				d := w.receive(w.queue)
				require.Equal(w, goflow.Release, w.newProcessor().Process(ctx, d).Action, "its record does not say so")
				require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
			}
		},
		"WaitersOfTheSameClientLearnAtOnce": func(w *world) {
			w.polling()
			id := w.pushed(1)[0]
			done := w.waiting(w.Context(), id)
			time.Sleep(time.Hour)
			require.NoError(w, w.client.Cancel(w.Context(), id))
			require.Equal(w, time.Hour, (<-done).took)
		},
	})
}

// TestCancelInLocalMode cancels where leases never end and nobody keeps them.
func TestCancelInLocalMode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts   []goflow.Option
		within time.Duration
	}{
		"Values":   {within: time.Second},
		"OwnStore": {within: time.Second, opts: []goflow.Option{goflow.WithResultsStore(store.NewInMemoryKVStore[string, task.Result]())}},
		"Wire":     {within: 30 * time.Second, opts: []goflow.Option{goflow.WithWireCheck()}},
	} {
		for jobName, option := range map[string]goflow.JobOption{"Cancellable": goflow.Cancellable(), "Once": goflow.Once()} {
			t.Run(name+"/"+jobName, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newRun()
					gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), c.opts...)
					job := goflow.NewJob[int, int]("long", option, goflow.Timeout(time.Hour))
					job.Handle(gf.Mux(), func(ctx context.Context, n int) (int, error) { return n, r.until(ctx, nil) })
					require.NoError(t, gf.Start())
					id, err := job.Push(t.Context(), gf.Client(), 1)
					require.NoError(t, err)
					r.cancel(t, gf.Client(), id)
					_, err = job.Wait(t.Context(), gf.Client(), id)
					require.ErrorIs(t, err, goflow.ErrCancelled)
					time.Sleep(c.within + time.Millisecond)
					r.requireEnd(t, c.within)
					require.NoError(t, gf.Close())
					time.Sleep(2 * time.Minute) // nothing is remembered any more
					rec, err := gf.Client().Get(t.Context(), id)
					require.NoError(t, err)
					require.Equal(t, task.Cancelled, rec.State)
				})
			})
		}
	}
}

// sleepFor ends early with ctx.
func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
