package goflow

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// BatchWorker serves a home that is handed deliveries in batches and has to be
// done by a deadline, as a Lambda function is. It runs them by the same engine
// as a Worker and gives back what has to come again; what has ended, the home
// deletes itself. Batches may be worked on at the same time: they share the
// slots.
type BatchWorker struct {
	broker    Broker
	processor *Processor
	opts      workerOptions
	slots     chan struct{}
	flying    atomic.Int64 // deliveries that may join a group
	leases    *group[port.Lease, struct{}]
	full      atomic.Bool // every slot's worth of handlers outlives its context

	stopping chan struct{} // closed by Stop
	idle     chan struct{} // closed when it has been stopped and no batch is under way
	mu       sync.Mutex
	stopped  bool
	working  int // batches under way
}

// Batch is what a home was handed at once.
type Batch struct {
	Deliveries []Delivery
	// Ordered makes the deliveries of a Group run one after the other, and none
	// after one that has to come again. A delivery without a group is on its own.
	Ordered bool
}

// NewBatchWorker returns a worker for batches of deliveries of b, whose outcomes
// go to s. It needs DeadLetters or NoDeadLetters, and makes no call before its
// first batch. The errors are those of NewWorker.
func NewBatchWorker(b Broker, s Store, m *Mux, opts ...WorkerOption) (*BatchWorker, error) {
	w := &BatchWorker{broker: b, stopping: make(chan struct{}), idle: make(chan struct{})}
	p, err := NewProcessor(b, grouped(s, &w.flying, keepsOrder(b)), m, opts...)
	if err != nil {
		return nil, err
	}
	w.processor, w.opts = p, p.opts
	if w.opts.concurrency == 0 {
		w.opts.concurrency = DefaultConcurrencyPerP * runtime.GOMAXPROCS(0)
	}
	w.slots = make(chan struct{}, w.opts.concurrency)
	w.leases = newGroup(port.MaxMessages, w.extend)
	w.leases.linger, w.leases.expected = groupLinger, func() int { return int(w.flying.Load()) }
	p.stuck.limit, p.stuck.full = int64(w.opts.concurrency), func() { w.full.Store(true) }
	return w, nil
}

// Work takes a batch's deliveries to their outcomes, in their order. Ack means
// that the home may delete the message; any other stays, and has been given back
// if it is to come again soon. All outcomes are stored when Work returns.
//
// The deadline of ctx is when the home's time is over, which is the default
// Timeout of a run. A margin before it the
// handlers' contexts end, with ErrTimeout, or with ErrStopping for a run that
// had to wait for a slot: such a run is no attempt. From two margins before it
// on nothing is started. A task that may kill its process runs alone, once the
// others of its batch are settled.
//
// ErrStuck: handlers outlive their contexts, and only the end of the process
// ends them. What could be settled is.
func (w *BatchWorker) Work(ctx context.Context, b Batch) ([]Outcome, error) {
	r := newBatchRun(ctx, w, b)
	if !w.enter() {
		r.refuse(ctx)
		return r.answer(), nil
	}
	defer w.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	go func() {
		select {
		case <-w.stopping:
			cancel(ErrStopping)
		case <-ctx.Done():
		}
	}()
	over := r.over(done)
	if w.full.Load() || over && r.deaf.Load() {
		return r.answer(), ErrStuck
	}
	return r.answer(), nil
}

// Stop ends the contexts of all handlers with ErrStopping and waits, for d at the
// longest, until their batches have their outcomes. Later batches are given back
// unstarted.
func (w *BatchWorker) Stop(d time.Duration) {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.stopping)
		if w.working == 0 {
			close(w.idle)
		}
	}
	w.mu.Unlock()
	w.leases.hurry()
	w.processor.hurry()
	within(w.idle, d)
}

func (w *BatchWorker) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.working++
	}
	return !w.stopped
}

func (w *BatchWorker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.working--
	if w.stopped && w.working == 0 {
		close(w.idle)
	}
}

// extend is Broker.Extend, with its repeats, for a group.
func (w *BatchWorker) extend(ctx context.Context, leases []port.Lease) ([]struct{}, error) {
	return nil, retryEach(ctx, leases, func(some []port.Lease) error { return w.broker.Extend(ctx, some) })
}

// errUnsettled is the error of an outcome that the home's time was too short for.
var errUnsettled = fmt.Errorf("%w: not settled in the time there was", ErrUnavailable)
