package goflow_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestFaultsOfThePool is about leases and claims that end under a worker.
func TestFaultsOfThePool(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"ClaimThatWasLongOnItsWayIsRenewedInTime": func(w *world) {
			var runs atomic.Int64
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				runs.Add(1)
				select {
				case <-time.After(2 * testLease):
				case <-ctx.Done():
				}
				return 1, ctx.Err()
			})
			id := w.push("once", 1)
			// By then the lease has been renewed once, and is not due before the claim has ended.
			w.store = &lateStore{Store: w.records, late: firstLate(testLease * 2 / 3)}
			stop := w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
			require.EqualValues(w, 1, runs.Load(), "its claim has ended under it")
		},
		"RunWhoseTaskAnotherEndedStops": func(w *world) {
			cause := w.startsOnce()
			id := w.push("once", 1)
			stop := w.start()
			begin := time.Now()
			time.Sleep(time.Second)
			w.saveRecord(goflow.Record{ID: id, State: task.Done, Generation: 1, Result: []byte("17")}) // names no claim
			require.ErrorIs(w, <-cause, goflow.ErrLeaseLost)
			require.LessOrEqual(w, time.Since(begin), testLease/2, "with the next renewal, not only when the claim ends")
			time.Sleep(2 * testLease)
			require.NoError(w, stop())
			require.Equal(w, "17", string(w.wait(id).Result))
			w.requireEmpty(w.queue)
		},
		"RunThatWasFencedOutStops": func(w *world) {
			cause := w.startsOnce()
			id := w.push("once", 1)
			var renewals int
			w.store = &rareStore{faultyStore: faultyStore{Store: w.records}, claim: func(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
				if claims[0].Epoch == 0 {
					return w.records.Claim(ctx, claims)
				}
				if renewals++; renewals > 1 {
					return nil, port.ErrUnavailable
				}
				time.Sleep(2 * testLease) // the whole process was stopped, and the store's clock went on
				ctx = context.WithoutCancel(ctx)
				w.steal(ctx, id)
				return w.records.Claim(ctx, claims)
			}}
			stop := w.start(goflow.Drain(0))
			require.ErrorIs(w, <-cause, goflow.ErrLeaseLost)
			require.NoError(w, stop())
			require.Equal(w, 1, renewals)
			recs, err := w.records.Load(w.Context(), []string{id}, true)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, "other"}, []any{recs[0].State, recs[0].Token})
		},
		"MessageIsNotTouchedOnceItsLeaseIsOver": func(w *world) {
			var late atomic.Int64
			w.broker = &unextended{w.queue, func(leases []port.Lease) {
				for _, l := range leases {
					if !time.Now().Before(l.Delivery.LeaseEnd) {
						late.Add(1)
					}
				}
			}}
			var slow atomic.Bool
			w.store = &faultyStore{Store: w.records, before: func(string) error {
				if !slow.Swap(true) {
					time.Sleep(testLease / 2)
				}
				return nil
			}}
			var runs atomic.Int64
			goflow.NewJob[int, int]("t").Handle(w.mux, func(context.Context, int) (int, error) {
				if runs.Add(1) == 1 {
					time.Sleep(testLease * 3 / 4)
					return 0, goflow.RetryAfter(time.Hour, errStep)
				}
				return 1, nil
			})
			id := w.push("t", 1)
			stop := w.start()
			rec := w.wait(id) // long before the pause is over: the broker delivered it again
			require.NoError(w, stop())
			require.Equal(w, []any{task.Done, 1}, []any{rec.State, rec.Attempts})
			require.Zero(w, late.Load(), "it may have been another's")
		},
		"MessageThatIsNotGivenBackComesByItself": func(w *world) {
			broken := broken()
			w.broker = &faultyBroker{Broker: w.queue, before: down(broken, "extend")}
			var ran []time.Time
			goflow.NewJob[int, int]("t").Handle(w.mux, func(context.Context, int) (int, error) {
				if ran = append(ran, time.Now()); len(ran) == 1 {
					return 0, goflow.RetryAfter(time.Second, errStep)
				}
				broken.Store(false)
				return 1, nil
			})
			id := w.push("t", 1)
			var log bytes.Buffer
			stop := w.start(goflow.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			rec := w.wait(id)
			require.NoError(w, stop())
			require.Equal(w, []any{task.Done, 1}, []any{rec.State, rec.Attempts})
			require.InDelta(w, testLease.Seconds(), ran[1].Sub(ran[0]).Seconds(), 3)
			require.Equal(w, 1, strings.Count(log.String(), "broker or store failed"), log.String())
		},
		"LeaseThatIsLostWhenItIsGivenBackIsNoTroubleOfTheBroker": func(w *world) {
			w.broker = &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "extend" {
					return port.ErrLeaseLost
				}
				return nil
			}}
			goflow.NewJob[int, int]("t").Handle(w.mux, func(context.Context, int) (int, error) { return 0, errStep })
			good := w.counting("good")
			w.push("t", 1)
			var log bytes.Buffer
			stop := w.start(goflow.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			time.Sleep(time.Second)
			begin, id := time.Now(), w.push("good", 1)
			require.Equal(w, task.Done, w.wait(id).State)
			require.Less(w, time.Since(begin), 100*time.Millisecond, "it does not back off")
			require.NoError(w, stop())
			require.NotContains(w, log.String(), "failed")
			require.EqualValues(w, 1, good.Load())
		},
	})
}

// unextended is a broker that extends no lease, and tells whose was to be.
type unextended struct {
	*memory.Broker
	asked func([]port.Lease)
}

func (b *unextended) Extend(_ context.Context, leases []port.Lease) error {
	b.asked(leases)
	return port.ErrUnavailable
}

// startsOnce registers a Once job that runs until its context ends, and tells
// why that was.
func (w *world) startsOnce() (cause <-chan error) {
	w.Helper()
	causes := make(chan error, 1)
	goflow.NewJob[int, int]("once", goflow.Once(), goflow.Timeout(10*testLease)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return 1, ctx.Err()
	})
	return causes
}

// A message whose lease never ends comes again by itself as little as it is lost.
func TestTroubleWhereNoLeaseEnds(t *testing.T) {
	t.Parallel()
	for name, queue := range map[string]func() port.Broker{
		"LocalBroker": func() port.Broker { return memory.NewLocalBroker(0) },
		"Broker":      func() port.Broker { return memory.NewBroker(memory.Lease(0), memory.PollWait(time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				var down atomic.Bool
				down.Store(true)
				w.store = &faultyStore{Store: w.records, before: func(string) error {
					if down.Load() {
						return port.ErrUnavailable
					}
					return nil
				}}
				goflow.NewJob[int, int]("double").Handle(w.mux, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
				w.broker = queue()
				client, err := goflow.NewClient(w.broker, w.records)
				require.NoError(w, err)
				stop := w.start(goflow.NoDeadLetters())
				id, err := client.Push(w.Context(), "double", []byte("21"))
				require.NoError(w, err)
				time.Sleep(time.Minute)
				down.Store(false)
				rec, err := client.Wait(w.Context(), id)
				require.NoError(w, err)
				require.Equal(w, task.Done, rec.State)
				require.NoError(w, stop())
			})
		})
	}
}
