package goflow_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestWorker(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){
		"RunsManyTasksWithinItsConcurrency": func(w *world) {
			var running, most atomic.Int64
			goflow.NewJob[int, int]("square").Handle(w.mux, func(_ context.Context, n int) (int, error) {
				if now := running.Add(1); now > most.Load() {
					most.Store(now)
				}
				time.Sleep(time.Second)
				running.Add(-1)
				return n * n, nil
			})
			stop := w.start(goflow.Concurrency(4))
			var ids []string
			for n := range 50 {
				ids = append(ids, w.push("square", n))
			}
			for rec, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err)
				require.Equal(w, task.Done, rec.State)
			}
			require.NoError(w, stop())
			require.Equal(w, int64(4), most.Load())
			w.requireEmpty(w.queue)
		},
		"LongTaskKeepsItsLease": func(w *world) {
			broker := &faultyBroker{Broker: w.queue}
			w.broker = broker
			runs := 0
			goflow.NewJob[int, int]("long", goflow.Timeout(time.Hour)).Handle(w.mux, func(context.Context, int) (int, error) {
				runs++
				time.Sleep(10 * testLease)
				return 0, nil
			})
			stopOne, stopTwo := w.start(), w.start()
			w.wait(w.push("long", 1))
			require.NoError(w, stopOne())
			require.NoError(w, stopTwo())
			require.Equal(w, 1, runs)
			require.InDelta(w, 20, broker.count("extend"), 1, "from half-life on, once each half-life")
		},
		"ShortTaskIsNeverExtended": func(w *world) {
			broker := &faultyBroker{Broker: w.queue}
			w.broker = broker
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			stop := w.start()
			w.wait(w.push("echo", "x"))
			require.NoError(w, stop())
			require.Zero(w, broker.count("extend"))
			require.Equal(w, 1, broker.count("ack"))
		},
		"LostLeaseEndsTheHandlersContext": func(w *world) {
			broker := &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "extend" {
					return port.ErrUnavailable
				}
				return nil
			}}
			w.broker = broker
			var cause error
			goflow.NewJob[int, int]("long").Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				if cause == nil {
					<-ctx.Done()
					cause = context.Cause(ctx)
				}
				return 0, ctx.Err()
			})
			stop := w.start()
			rec := w.wait(w.push("long", 1))
			require.NoError(w, stop())
			require.ErrorIs(w, cause, goflow.ErrLeaseLost)
			require.Equal(w, task.Done, rec.State)
		},
		"FailingExtensionIsRepeatedAFewTimes": func(w *world) {
			broker := &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "extend" {
					return port.ErrUnavailable
				}
				return nil
			}}
			w.broker = broker
			goflow.NewJob[int, int]("long", goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				return 0, nil
			})
			stop := w.start()
			w.wait(w.push("long", 1))
			require.NoError(w, stop())
			require.LessOrEqual(w, broker.count("extend"), 20, "within one lease")
		},
		"TimeoutEndsTheHandlersContext": func(w *world) {
			goflow.NewJob[int, int]("slow", goflow.Timeout(time.Minute), goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
			stop := w.start()
			rec := w.wait(w.push("slow", 1))
			require.NoError(w, stop())
			require.Contains(w, rec.Error, goflow.ErrTimeout.Error())
		},
		"HandlerThatIgnoresItsContextFreesItsSlot": func(w *world) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf", goflow.Timeout(time.Minute), goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				<-release
				return 0, nil
			})
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			stop := w.start(goflow.Concurrency(2))
			rec := w.wait(w.push("deaf", 1))
			require.Contains(w, rec.Error, "ignored the end of its context")
			require.Equal(w, task.Done, w.wait(w.push("echo", "x")).State)
			close(release)
			require.NoError(w, stop())
			require.Equal(w, task.Dead, w.wait(rec.ID).State, "what an abandoned run returns is dropped")
		},
		"WorkerWhoseSlotsAreAllStuckStops": func(w *world) {
			release := make(chan struct{})
			defer close(release)
			goflow.NewJob[int, int]("deaf", goflow.Timeout(time.Minute), goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				<-release
				return 0, nil
			})
			w.push("deaf", 1)
			w.push("deaf", 2)
			require.ErrorIs(w, w.newWorker(goflow.Concurrency(2)).Run(w.Context()), goflow.ErrStuck)
		},
		"WorkerWhoseSlotsAreAllStuckInOnceJobsStops": func(w *world) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf", goflow.Timeout(time.Minute), goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
				<-release
				return 0, nil
			})
			w.push("deaf", 1)
			w.push("deaf", 2)
			w.push("deaf", 3)
			err := w.newWorker(goflow.Concurrency(2)).Run(w.Context())
			require.ErrorIs(w, err, goflow.ErrStuck)
			var abandoned *goflow.AbandonedError
			require.ErrorAs(w, err, &abandoned)
			require.Len(w, abandoned.IDs, 2)
			close(release)
		},
		"ClaimThatCannotBeRenewedEndsTheHandlersContext": func(w *world) {
			store := &failingClaims{Store: w.records}
			w.store = store
			var cause error
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				if cause == nil {
					store.fail.Store(true)
					begin := time.Now()
					<-ctx.Done()
					store.fail.Store(false)
					cause = context.Cause(ctx)
					require.Less(w, time.Since(begin), testLease, "before another may take the claim")
				}
				return 0, ctx.Err()
			})
			stop := w.start()
			rec := w.wait(w.push("once", 1))
			require.NoError(w, stop())
			require.ErrorIs(w, cause, goflow.ErrLeaseLost)
			require.Equal(w, task.Done, rec.State)
		},
		"StopGivesRunningTasksTheDrainTime": func(w *world) {
			goflow.NewJob[int, int]("long").Handle(w.mux, func(context.Context, int) (int, error) {
				time.Sleep(20 * time.Second)
				return 0, nil
			})
			id := w.push("long", 1)
			stop := w.start(goflow.Drain(25 * time.Second))
			time.Sleep(time.Second)
			require.NoError(w, stop())
			require.Equal(w, task.Done, w.wait(id).State)
		},
		"StopGivesBackWhatDoesNotEndAndNamesIt": func(w *world) {
			goflow.NewJob[int, int]("long").Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				return 0, context.Cause(ctx)
			})
			id := w.push("long", 1)
			stop := w.start(goflow.Drain(time.Second))
			time.Sleep(time.Second)
			var abandoned *goflow.AbandonedError
			require.ErrorAs(w, stop(), &abandoned)
			require.Equal(w, []string{id}, abandoned.IDs)
			d := w.receive(w.queue) // at once, not after the lease
			require.Equal(w, 2, d.Receives)
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, 0}, []any{rec.State, rec.Attempts}, "an interrupted run is no attempt")
		},
		"StopBeforeItHasBegunIsNoError": func(w *world) {
			ctx, stop := context.WithCancel(w.Context())
			stop()
			for range 20 { // by then a call that heeds its context has failed
				require.NoError(w, w.newWorker().Run(ctx))
			}
		},
		"IdleWorkerStopsAtOnce": func(w *world) {
			stop := w.start()
			time.Sleep(time.Second)
			begin := time.Now()
			require.NoError(w, stop())
			require.Zero(w, time.Since(begin))
		},
		"IdleWorkerAsksOncePerPollWait": func(w *world) {
			broker := &faultyBroker{Broker: w.queue}
			w.broker = broker
			stop := w.start()
			time.Sleep(time.Hour)
			require.NoError(w, stop())
			require.InDelta(w, time.Hour/testPoll, broker.count("receive"), 1)
		},
		"BrokerThatFailsIsAskedAtMostOnceASecond": func(w *world) {
			broker := &faultyBroker{Broker: w.queue}
			broken := atomic.Bool{}
			broken.Store(true)
			broker.before = func(string) error {
				if broken.Load() {
					return port.ErrUnavailable
				}
				return nil
			}
			w.broker = broker
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			id := w.push("echo", "x")
			var log bytes.Buffer
			stop := w.start(goflow.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			require.LessOrEqual(w, broker.count("receive"), 60)
			require.Equal(w, 1, strings.Count(log.String(), "level=ERROR"), "one line per change of state")
			broken.Store(false)
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
			require.Equal(w, 1, strings.Count(log.String(), "works again"))
		},
		"StoreThatFailsPausesThePolling": func(w *world) {
			store := &faultyStore{Store: w.records}
			broken := atomic.Bool{}
			broken.Store(true)
			store.before = func(string) error {
				if broken.Load() {
					return port.ErrUnavailable
				}
				return nil
			}
			w.store = store
			var runs atomic.Int64
			goflow.NewJob[string, string]("echo").Handle(w.mux, func(_ context.Context, s string) (string, error) {
				runs.Add(1)
				return s, nil
			})
			id := w.push("echo", "x")
			stop := w.start(goflow.MaxAttempts(1000))
			time.Sleep(time.Hour)
			require.LessOrEqual(w, runs.Load(), int64(time.Hour/testLease))
			broken.Store(false)
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
		},
		"RefusalStopsTheWorker": func(w *world) {
			w.store = &faultyStore{Store: w.records, before: func(string) error { return port.ErrRefused }}
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			w.push("echo", "x")
			require.ErrorIs(w, w.newWorker().Run(w.Context()), goflow.ErrRefused)
		},
		"TwoCopiesOfATaskRunOneAfterTheOther": func(w *world) {
			var running, runs atomic.Int64
			goflow.NewJob[int, int]("copy").Handle(w.mux, func(context.Context, int) (int, error) {
				require.Equal(w, int64(1), running.Add(1))
				runs.Add(1)
				time.Sleep(time.Second)
				running.Add(-1)
				return 0, nil
			})
			id := w.push("copy", 1)
			d := w.receive(w.queue)
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: d.Body}}))
			require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: d}}))
			stop := w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			time.Sleep(2 * testLease)
			require.NoError(w, stop())
			require.Equal(w, int64(1), runs.Load())
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

// failingClaims is a store whose claims fail on demand.
type failingClaims struct {
	port.Store
	fail atomic.Bool
}

func (s *failingClaims) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	if s.fail.Load() {
		return make([]port.Record, len(claims)), port.ErrUnavailable
	}
	return s.Store.Claim(ctx, claims)
}

func TestWorkerRefusesBadOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]goflow.WorkerOption{
		"MaxAttempts(0)":  goflow.MaxAttempts(0),
		"Timeout(0s)":     goflow.Timeout(0),
		"Backoff(2s, 1s)": goflow.Backoff(2*time.Second, time.Second),
		"Concurrency(0)":  goflow.Concurrency(0),
		"Drain(-1s)":      goflow.Drain(-time.Second),
		"RecordTTL(0s)":   goflow.RecordTTL(0),
		"RecordTTL(2562047h47m16.854775807s): give 1s to 876600h": goflow.RecordTTL(math.MaxInt64),
		"UnknownTypeGrace": goflow.UnknownTypeGrace(-1),
		"UnknownTypeGrace(2562047h47m16.854775807s): give 0 to 876600h": goflow.UnknownTypeGrace(math.MaxInt64),
		"Logger(nil)": goflow.Logger(nil),
	} {
		_, err := goflow.NewWorker(nil, nil, goflow.NewMux(), goflow.NoDeadLetters(), opt)
		require.ErrorIs(t, err, goflow.ErrInvalid, name)
		require.ErrorContains(t, err, name)
	}
	_, err := goflow.NewWorker(nil, nil, goflow.NewMux())
	require.ErrorContains(t, err, "DeadLetters is missing")
}

// checkedBroker is missing as long as err says so.
type checkedBroker struct {
	port.Broker
	err error
}

func (b *checkedBroker) Check(context.Context) error { return b.err }

// checkedLocal is one of this process.
type checkedLocal struct{ checkedBroker }

func (*checkedLocal) InProcess() {}

func TestWorkerRunsOnce(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func() (port.Broker, *error, port.Store){
		"InThisProcess": func() (port.Broker, *error, port.Store) {
			b := &checkedLocal{checkedBroker{memory.NewLocalBroker(0), port.ErrRefused}}
			return b, &b.err, memory.NewLocalStore()
		},
		"Elsewhere": func() (port.Broker, *error, port.Store) {
			b := &checkedBroker{memory.NewBroker(), port.ErrRefused}
			return b, &b.err, memory.NewStore()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, missing, s := world()
				w, err := goflow.NewWorker(b, s, goflow.NewMux(), goflow.NoDeadLetters())
				require.NoError(t, err)
				ctx, stop := context.WithCancel(t.Context())
				for range 2 {
					require.ErrorIs(t, w.Run(ctx), port.ErrRefused, "it has not begun")
				}
				*missing = nil
				ended := make(chan error, 1)
				go func() { ended <- w.Run(ctx) }()
				time.Sleep(time.Minute)
				require.ErrorIs(t, w.Run(t.Context()), goflow.ErrAlreadyStarted)
				stop()
				require.NoError(t, <-ended)
				require.ErrorIs(t, w.Run(t.Context()), goflow.ErrAlreadyStarted)
			})
		})
	}
}

func TestMiddlewareWrapsEveryHandler(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var seen []string
		for _, name := range []string{"outer", "inner"} {
			w.mux.Use(func(next goflow.Handler) goflow.Handler {
				return func(ctx context.Context) error {
					info, _ := goflow.TaskFromContext(ctx)
					seen = append(seen, name+" "+info.Type+" "+info.Headers["tenant"])
					return next(ctx)
				}
			})
		}
		w.mux.Use(func(next goflow.Handler) goflow.Handler {
			return func(ctx context.Context) error {
				if err := next(ctx); err != nil {
					return err
				}
				return goflow.Permanent(errors.New("vetoed"))
			}
		})
		goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
		id := w.push("echo", "x", goflow.Headers(map[string]string{"tenant": "a"}))
		w.process(w.newProcessor(), w.receive(w.queue))
		require.Equal(w, []string{"outer echo a", "inner echo a"}, seen)
		require.Equal(w, "vetoed", w.wait(id).Error)
	})
}
