package goflow

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Worker is the long-lived pool: it receives messages, runs their tasks by the
// handlers of a Mux, and settles them. Make one with NewWorker; it runs once.
type Worker struct {
	broker    Broker
	processor *Processor
	opts      workerOptions
	health    health
	keeper    *keeper

	mu        sync.Mutex
	room      sync.Cond // active or settling went down
	active    int       // received, handler not returned
	settling  int       // handler returned, outcome not stored
	held      map[*hold]struct{}
	abandoned []string // were running when the drain time was over

	tasks sync.WaitGroup
}

// NewWorker returns a worker for the tasks of b, whose outcomes go to s. It
// needs DeadLetters or NoDeadLetters. The errors are those of the options.
func NewWorker(b Broker, s Store, m *Mux, opts ...WorkerOption) (*Worker, error) {
	p, err := NewProcessor(b, s, m, opts...)
	if err != nil {
		return nil, err
	}
	if p.opts.concurrency == 0 {
		p.opts.concurrency = DefaultConcurrencyPerP * runtime.GOMAXPROCS(0)
	}
	w := &Worker{
		broker: b, processor: p, opts: p.opts, health: health{log: p.opts.shared.log},
		held: map[*hold]struct{}{},
	}
	w.room.L = &w.mu
	return w, nil
}

// Concurrency is how many handlers run at a time.
func (w *Worker) Concurrency() int { return w.opts.concurrency }

// LastReceive is when the broker last answered a receive; zero: never. A
// worker whose last receive is long ago is not ready. While every slot is
// taken nothing is received, and it is now.
func (w *Worker) LastReceive() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active >= w.opts.concurrency {
		return time.Now()
	}
	return w.health.lastReceive()
}

// Run works until ctx ends, then stops cleanly: the receive in progress may
// return, what was not started goes back at once, running tasks get the drain
// time, and those that did not end in it are named in an AbandonedError; other
// workers run them again. Run ends by itself with nil when the broker is
// closed and empty, and with an error when nobody but a person can help:
// ErrRefused (queue, table or permission missing) or ErrStuck.
func (w *Worker) Run(ctx context.Context) error {
	limits, err := w.check(ctx)
	if err != nil {
		return err
	}
	w.keeper = newKeeper(w.broker, w.processor.store, limits.Lease)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.processor.stuck.limit = int64(w.opts.concurrency)
	w.processor.stuck.full = func() { stop(ErrStuck) }
	base, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	kept, release := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { w.keeper.run(kept) })
	defer func() { release(); keeping.Wait() }()

	err = w.poll(ctx, base, stop)
	if left := w.drain(ctx, interrupt); len(left) > 0 {
		err = errors.Join(err, &AbandonedError{IDs: left})
	}
	return err
}

// check asks broker, dead-letter queue and store whether they are there.
func (w *Worker) check(ctx context.Context) (port.Limits, error) {
	for _, part := range []any{w.broker, w.opts.dead, w.processor.store} {
		if checker, ok := part.(port.Checker); ok {
			if err := checker.Check(ctx); err != nil {
				return port.Limits{}, err
			}
		}
	}
	return w.processor.limitsOf(ctx)
}

// poll receives into free slots until ctx ends. base is what tasks run under;
// stop ends the polling with the error that is to be returned.
func (w *Worker) poll(ctx, base context.Context, stop context.CancelCauseFunc) error {
	defer context.AfterFunc(ctx, w.wakeAll)()
	into := make([]Delivery, port.MaxMessages)
	for {
		free := w.waitForRoom(ctx)
		if !w.health.pause(ctx) {
			break
		}
		n, err := w.broker.Receive(ctx, into[:min(free, len(into))])
		for i := range n {
			w.start(ctx, base, into[i], stop)
		}
		if ctx.Err() != nil {
			break // an error of a receive that was told to end is none
		}
		if errors.Is(err, port.ErrClosed) {
			return nil
		}
		w.judge(partReceive, err, stop)
	}
	if cause := context.Cause(ctx); errors.Is(cause, ErrRefused) || errors.Is(cause, ErrStuck) {
		return cause
	}
	return nil
}

// judge notes how a part fares, and stops the worker where only a person can
// help.
func (w *Worker) judge(p part, err error, stop context.CancelCauseFunc) {
	switch {
	case err == nil:
		w.health.worked(p)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrStuck):
		stop(err)
	default:
		w.health.failed(p, err)
	}
}

// waitForRoom blocks until a slot is free and not too many outcomes are being
// stored. It returns how many slots are free, or 1 when ctx has ended.
func (w *Worker) waitForRoom(ctx context.Context) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for (w.active >= w.opts.concurrency || w.settling >= maxSettling) && ctx.Err() == nil {
		w.room.Wait()
	}
	return max(w.opts.concurrency-w.active, 1)
}

func (w *Worker) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// count moves the counters and wakes the poller.
func (w *Worker) count(active, settling int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active += active
	w.settling += settling
	w.room.Broadcast()
}

// start holds a delivery and runs it in its own goroutine. What arrives after
// the stop goes back unstarted.
func (w *Worker) start(ctx, base context.Context, d Delivery, stop context.CancelCauseFunc) {
	taskCtx, cancel := context.WithCancelCause(base)
	returned := sync.OnceFunc(func() { w.count(-1, 1) })
	h := w.keeper.keep(d, cancel)
	w.mu.Lock()
	w.active++
	w.held[h] = struct{}{}
	w.mu.Unlock()
	w.tasks.Go(func() {
		defer cancel(nil)
		outcome := Outcome{Action: Release}
		switch {
		case h.over(): // it was long on its way, and may be another's by now
			outcome = Outcome{Action: Leave}
		case ctx.Err() == nil:
			outcome = w.processor.process(taskCtx, &d, custody{hold: h, returned: returned})
		}
		returned() // where no handler ran
		w.settle(base, h, outcome, stop)
		w.count(0, -1)
		w.let(h, outcome.interrupted)
	})
}

// let forgets a delivery that is settled.
func (w *Worker) let(h *hold, interrupted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, h)
	if interrupted {
		w.abandoned = append(w.abandoned, taskID(&h.delivery))
	}
}

// settle does with the message what the outcome says.
func (w *Worker) settle(ctx context.Context, h *hold, o Outcome, stop context.CancelCauseFunc) {
	ctx, cancel := settling(ctx)
	defer cancel()
	err := o.Err
	switch ours := h.drop(); {
	case o.Action == Ack:
		err = retryOne(ctx, func() error { return w.broker.Ack(ctx, []Delivery{h.delivery}) })
	case o.Action == Release && ours:
		lease := port.Lease{Delivery: h.delivery, For: o.After}
		err = retryOne(ctx, func() error { return w.broker.Extend(ctx, []port.Lease{lease}) })
	}
	if errors.Is(err, port.ErrLeaseLost) || err == nil && o.Action == Leave {
		return // another worker's by now: it says nothing of broker and store
	}
	w.judge(partSettle, err, stop)
}

// drain waits for what runs: for the drain time, then it ends the handlers'
// contexts and waits until each has been given back. It returns the IDs of the
// tasks that did not end by themselves.
func (w *Worker) drain(ctx context.Context, interrupt context.CancelCauseFunc) []string {
	done := make(chan struct{})
	go func() {
		w.tasks.Wait()
		close(done)
	}()
	select { // a broker that closed leaves all the time until the stop
	case <-done:
		return nil
	case <-ctx.Done():
	}
	if !within(done, w.opts.drain) {
		interrupt(ErrStopping)
		within(done, handlerGrace+settleTime)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.Clone(w.abandoned)
	for h := range w.held { // handlers that must not be left, and ignore their context
		left = append(left, taskID(&h.delivery))
	}
	return left
}

func taskID(d *Delivery) string {
	e, _ := decodeEnvelope(d)
	return e.ID
}
