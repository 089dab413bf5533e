package goflow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// batchRun is one batch on its way.
type batchRun struct {
	*BatchWorker
	batch  Batch
	began  time.Time
	until  time.Time // when the home's time is over; zero: never
	margin time.Duration
	deaf   atomic.Bool // a Once handler outlives its context

	mu       sync.Mutex
	outcomes []Outcome
}

func newBatchRun(ctx context.Context, w *BatchWorker, b Batch) *batchRun {
	r := &batchRun{BatchWorker: w, batch: b, began: time.Now()}
	if deadline, ok := ctx.Deadline(); ok {
		// A margin that is too large for the home must not keep all from starting.
		r.until, r.margin = deadline, min(w.opts.margin, time.Until(deadline)/4)
	}
	r.outcomes = slices.Repeat([]Outcome{{Action: Leave, Err: errUnsettled}}, len(b.Deliveries))
	return r
}

// over waits for done and tells whether the home's time was over before.
func (r *batchRun) over(done <-chan struct{}) bool {
	if r.until.IsZero() {
		<-done
		return false
	}
	return !within(done, time.Until(r.until.Add(-r.margin/4)))
}

// answer returns the outcomes as they are.
func (r *batchRun) answer() []Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.outcomes {
		if errors.Is(r.outcomes[i].Err, errUnsettled) {
			r.opts.shared.log.Error("task was not settled in time, its message comes again", slog.String("task", taskID(&r.batch.Deliveries[i])))
		}
	}
	return slices.Clone(r.outcomes) // some may come later
}

func (r *batchRun) set(o Outcome, deliveries ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range deliveries {
		r.outcomes[i] = o
	}
}

// refuse gives everything back unstarted.
func (r *batchRun) refuse(ctx context.Context) {
	for i := range r.outcomes {
		r.outcomes[i] = Outcome{Action: Release}
	}
	r.giveBack(ctx, 0, slices.Concat(lanes(r.batch.Deliveries, false)...)...)
}

// run runs the lanes at once, then what suspects hold up, one by one.
func (r *batchRun) run(ctx context.Context) {
	lanes := lanes(r.batch.Deliveries, r.batch.Ordered)
	held := make([][]int, len(lanes))
	r.flying.Add(int64(len(lanes)))
	var running sync.WaitGroup
	for n, l := range lanes {
		running.Go(func() {
			defer r.flying.Add(-1)
			held[n] = r.follow(ctx, l, true)
		})
	}
	running.Wait()
	for _, l := range held {
		r.flying.Add(1)
		r.follow(ctx, l, false)
		r.flying.Add(-1)
	}
}

// follow runs a lane until a delivery has to come again; the rest comes again
// with it, and not sooner. Where suspects wait, it returns the first one and what is behind it.
func (r *batchRun) follow(ctx context.Context, l []int, suspectsWait bool) []int {
	for n, i := range l {
		outcome := r.one(ctx, i, suspectsWait)
		if outcome.postponed && suspectsWait {
			return l[n:]
		}
		if outcome.Err != nil {
			r.opts.shared.log.ErrorContext(ctx, "outcome was not stored, the message comes again", slog.Any("error", outcome.Err))
		}
		r.set(outcome, i)
		if outcome.Action == Ack {
			continue
		}
		r.set(Outcome{Action: outcome.Action, After: outcome.After}, l[n+1:]...)
		if outcome.Action == Release {
			r.giveBack(ctx, outcome.After, l[n:]...) // by one call, so that they come together
		}
		return nil
	}
	return nil
}

// one takes a slot and processes a delivery, unless it is too late for that.
func (r *batchRun) one(ctx context.Context, i int, suspectsWait bool) Outcome {
	if !r.takeSlot(ctx) {
		return Outcome{Action: Release}
	}
	free := sync.OnceFunc(func() { <-r.slots })
	defer free()
	ctx, cancel := r.handlerContext(ctx, time.Since(r.began) > r.margin)
	defer cancel()
	return r.processor.process(ctx, &r.batch.Deliveries[i], custody{
		returned: free, until: r.until, grace: r.margin / 2, suspectsWait: suspectsWait,
		deaf: func() { r.deaf.Store(true) },
	})
}

// takeSlot waits for a slot as long as there is time to use it.
func (r *batchRun) takeSlot(ctx context.Context) bool {
	if !r.until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.until.Add(-2*r.margin))
		defer cancel()
	}
	if ctx.Err() != nil {
		return false
	}
	select {
	case r.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// handlerContext ends a margin before the home does. A run that began late did
// not have all the time that there is, so its end does not count as a failure.
func (r *batchRun) handlerContext(ctx context.Context, late bool) (context.Context, context.CancelFunc) {
	if r.until.IsZero() {
		return context.WithCancel(ctx)
	}
	cause := ErrTimeout
	if late {
		cause = ErrStopping
	}
	return context.WithDeadlineCause(ctx, r.until.Add(-r.margin), cause)
}

// giveBack makes messages come again. Where that fails they do so by themselves,
// only later.
func (r *batchRun) giveBack(ctx context.Context, after time.Duration, l ...int) {
	ctx, cancel := settling(ctx)
	defer cancel()
	if !r.until.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, r.until.Add(-r.margin/4))
		defer cancel()
	}
	for chunk := range slices.Chunk(l, port.MaxMessages) {
		leases := make([]port.Lease, len(chunk))
		for n, i := range chunk {
			leases[n] = port.Lease{Delivery: r.batch.Deliveries[i], For: after}
		}
		_, err := r.leases.join(ctx, leases) // one together with others' calls
		for n := range leases {
			if err := port.ItemError(err, n); err != nil {
				r.opts.shared.log.WarnContext(ctx, "message was not given back, it comes again later",
					slog.String("task", taskID(&leases[n].Delivery)), slog.Any("error", err))
			}
		}
	}
}
