package goflow_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// lateBroker lets its process read what it receives late, as one does that was
// stopped for a while. It forwards the limits by name.
type lateBroker struct {
	port.Broker
	late func(ds []port.Delivery) time.Duration
}

func (b *lateBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	n, err := b.Broker.Receive(ctx, into)
	time.Sleep(b.late(into[:n]))
	return n, err
}

func (b *lateBroker) Limits(ctx context.Context) (port.Limits, error) {
	limiter, ok := b.Broker.(port.Limiter)
	if !ok {
		return port.Limits{}, errors.New("the broker beneath has no limits")
	}
	return limiter.Limits(ctx)
}

// lateStore is the same for claims.
type lateStore struct {
	port.Store
	late func() time.Duration
}

func (s *lateStore) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	recs, err := s.Store.Claim(ctx, claims)
	time.Sleep(s.late())
	return recs, err
}

// TestLate is what a process does that learns late of what it holds.
func TestLate(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){
		"DeliveryWhoseLeaseIsOverIsNotRun": func(w *world) {
			runs := w.countRuns("slow", testLease/2)
			id := w.push("slow", 1)
			w.broker = &lateBroker{Broker: w.queue, late: onceLate(testLease + time.Second)}
			stopLate := w.start()
			synctest.Wait()
			w.broker = w.queue
			stop := w.start()
			w.wait(id)
			require.NoError(w, stop())
			require.NoError(w, stopLate())
			require.EqualValues(w, 1, runs.Load())
			w.requireEmpty(w.queue)
		},
		"LeaseThatEndsSoonIsExtendedInTime": func(w *world) {
			runs := w.countRuns("slow", 3*testLease)
			var deliveries int
			w.broker = &lateBroker{Broker: w.queue, late: func(ds []port.Delivery) time.Duration {
				if deliveries += len(ds); len(ds) == 1 && deliveries == 2 {
					return testLease - 2*time.Second
				}
				return 0
			}}
			first := w.push("slow", 1) // the keeper sleeps until that needs it
			stop := w.start()
			time.Sleep(testLease * 2 / 3)
			second := w.push("slow", 2)
			w.wait(first)
			w.wait(second)
			require.NoError(w, stop())
			require.EqualValues(w, 2, runs.Load())
		},
		"LostLeaseDoesNotPutTheKeeperToSleep": func(w *world) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("stuck", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
				<-release
				return 0, nil
			})
			runs := w.countRuns("slow", 3*testLease)
			w.push("stuck", 1)
			var broken atomic.Bool
			broken.Store(true)
			w.broker = &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "extend" && broken.Load() {
					return port.ErrUnavailable
				}
				return nil
			}}
			stop := w.start()
			time.Sleep(testLease + time.Second) // its lease is lost, and its handler still there
			broken.Store(false)
			id := w.push("slow", 1)
			for runs.Load() == 0 { // it backs off for a while
				time.Sleep(time.Second)
			}
			w.broker = w.queue
			stopOther := w.start()
			w.wait(id)
			close(release)
			require.NoError(w, stopOther())
			require.NoError(w, stop())
			require.EqualValues(w, 1, runs.Load(), "the lease of a long task was not kept")
		},
		"ClaimCountsFromBeforeTheCall": func(w *world) {
			var running, most atomic.Int64
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				select {
				case <-time.After(testLease / 2):
				case <-ctx.Done():
				}
				return 0, ctx.Err()
			})
			id := w.push("once", 1)
			w.store = &lateStore{Store: w.records, late: firstLate(testLease + 6*time.Second)}
			stopLate := w.start()
			synctest.Wait()
			w.store = w.records
			stop := w.start()
			time.Sleep(testLease + 3*time.Second)
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: []byte(`{"v":1,"id":"` + id + `","type":"once","payload":1}`)}}))
			w.wait(id)
			time.Sleep(4 * testLease) // until the other message has come again
			require.NoError(w, stop())
			require.NoError(w, stopLate())
			require.EqualValues(w, 1, most.Load(), "it ran beside itself")
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

// countRuns registers a job whose handler takes that long, or as long as its
// context, and counts its runs.
func (w *world) countRuns(name string, takes time.Duration) *atomic.Int64 {
	runs := &atomic.Int64{}
	goflow.NewJob[int, int](name).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
		runs.Add(1)
		select {
		case <-time.After(takes):
		case <-ctx.Done():
		}
		return 0, ctx.Err()
	})
	return runs
}

// onceLate delays the first receive that brings something.
func onceLate(d time.Duration) func([]port.Delivery) time.Duration {
	return func(ds []port.Delivery) (late time.Duration) {
		if len(ds) > 0 {
			late, d = d, 0
		}
		return late
	}
}

// firstLate delays the first claim.
func firstLate(d time.Duration) func() time.Duration {
	var done atomic.Bool
	return func() time.Duration {
		if done.Swap(true) {
			return 0
		}
		return d
	}
}

// TestStopBeforeTheRun: the drain time ends while a task is read, or claimed. It goes
// back at once, is named, and nobody blames the store.
func TestStopBeforeTheRun(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]goflow.JobOption{"read": goflow.Cancellable(), "claimed": goflow.Once()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				var log strings.Builder
				w.store = &tripStore{Store: w.records, takes: 3 * time.Second}
				job := goflow.NewJob[int, int]("t", opt)
				job.Handle(w.mux, func(context.Context, int) (int, error) { return 0, nil })
				stop := w.start(goflow.Drain(time.Second), goflow.Logger(slog.New(slog.NewTextHandler(&log, nil))))
				id, err := job.Push(w.Context(), w.client, 1)
				require.NoError(w, err)
				time.Sleep(time.Second)
				abandoned, ok := errors.AsType[*goflow.AbandonedError](stop())
				require.True(w, ok)
				require.Equal(w, []string{id}, abandoned.IDs)
				size, err := w.queue.Size(w.Context())
				require.NoError(w, err)
				require.Zero(w, size.Leased)
				require.NotContains(w, log.String(), "failed")
			})
		})
	}
}
