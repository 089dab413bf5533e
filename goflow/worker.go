package goflow

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Worker is the long-lived pool: it receives messages, runs their tasks by the
// handlers of a Mux, and settles them. From a broker that keeps order, it runs the
// tasks of a group one after the other: when one has to come again, so do those
// behind it, and no sooner; other groups go on. Make one with NewWorker; it runs
// once.
type Worker struct {
	processor *Processor
	store     Store // as it was given
	opts      workerOptions
	sources   []*source
	running   atomic.Int64 // deliveries in the processor, each of which may store something
	polling   sync.WaitGroup
	begun     atomic.Bool // Run has been called

	mu        sync.Mutex
	room      sync.Cond      // a source holds less, or waits for less
	held      map[*hold]bool // whether it has been started
	abandoned []string       // were running when the drain time was over

	tasks sync.WaitGroup
}

// NewWorker returns a worker for the tasks of b, whose outcomes go to s. It
// needs DeadLetters or NoDeadLetters. The errors are those of the options, and
// ErrInvalid for a part that is nil, for a queue and its dead letters of which only one
// keeps order, or only the queue is in this process, and for dead letters in one of the
// worker's own queues.
func NewWorker(b Broker, s Store, m *Mux, opts ...WorkerOption) (*Worker, error) {
	o, err := newWorkerOptions(opts)
	if o.concurrency == 0 {
		o.concurrency = max(DefaultConcurrencyPerP*runtime.GOMAXPROCS(0), 1+len(o.queues))
	}
	if err == nil && o.concurrency <= len(o.queues) {
		err = invalid("Concurrency(%d): give at least %d, one slot for each queue", o.concurrency, 1+len(o.queues))
	}
	if err = cmp.Or(err, complete(b, s, m)); err != nil {
		return nil, err
	}
	w := &Worker{store: s, opts: o, held: map[*hold]bool{}}
	w.room.L = &w.mu
	ordered := keepsOrder(b) || slices.ContainsFunc(o.queues, func(q Queue) bool { return keepsOrder(q.Broker) })
	w.processor = newProcessor(b, grouped(s, &w.running, ordered), m, o)
	w.addSource(Queue{Broker: b, DeadLetters: o.dead})
	for _, q := range o.queues {
		w.addSource(q)
	}
	if err := w.fit(); err != nil {
		return nil, err
	}
	if w.local() {
		w.sources[0].local = newLocalSlots(w.sources[0])
	}
	return w, nil
}

// inProcess tells whether a part is in this process: what it is given stays a value,
// and no call is worth saving.
func inProcess(part any) bool {
	_, ok := part.(port.InProcess)
	return ok
}

func keepsOrder(b Broker) bool {
	o, ok := b.(port.Orderer)
	return ok && o.Ordered()
}

// hurry ends all lingering.
func (w *Worker) hurry() {
	w.processor.hurry()
	for _, s := range w.sources {
		if s.acks != nil {
			s.acks.hurry()
		}
	}
}

// Concurrency is how many handlers run at a time.
func (w *Worker) Concurrency() int { return w.opts.concurrency }

// Stuck is how many handlers run on though their contexts have ended, by a
// timeout or a lost lease. Each has freed its slot and holds its memory; Run ends
// with ErrStuck when there are as many as slots.
func (w *Worker) Stuck() int { return int(w.processor.stuck.n.Load()) }

// LastReceive is when the broker last answered a receive; zero: never. A
// worker whose last receive is long ago is not ready. While every slot is
// taken nothing is received, and it is now. With several queues it is that of
// the one whose last is longest ago.
func (w *Worker) LastReceive() time.Time {
	last := time.Now()
	for _, s := range w.sources {
		last = earlier(last, s.lastReceive())
	}
	return last
}

// Run works until ctx ends, then stops cleanly: receives under way may
// return, what was not started goes back at once, running tasks get the drain
// time meanwhile, and those that did not end in it are named in an AbandonedError; other
// workers run them again. Run ends by itself with nil when its brokers are
// closed and empty, and with an error when nobody but a person can help:
// ErrRefused (queue, table or permission missing) or ErrStuck. A second Run is
// ErrAlreadyStarted, unless the first found a part missing before it began.
func (w *Worker) Run(ctx context.Context) error {
	if !w.begun.CompareAndSwap(false, true) {
		return ErrAlreadyStarted
	}
	if err := w.check(ctx); err != nil {
		w.begun.Store(false)
		if ctx.Err() != nil {
			return nil // it was told to stop before it had begun
		}
		return err
	}
	for _, s := range w.sources {
		w.processor.cancels.lookWithin(s.keeper.lease / 2)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.processor.stuck.limit = int64(w.opts.concurrency)
	w.processor.stuck.full = func() { stop(ErrStuck) }
	base, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	kept, release := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	for _, s := range w.sources {
		keeping.Go(func() { s.keeper.run(kept) })
		if s.local != nil {
			w.polling.Go(func() { s.local.serve(ctx, base, stop) })
			continue
		}
		w.polling.Go(func() { s.poll(ctx, base, stop) })
	}
	defer func() { release(); keeping.Wait() }()
	defer context.AfterFunc(ctx, w.hurry)()

	left := w.drain(ctx, interrupt)
	var err error
	if cause := context.Cause(ctx); errors.Is(cause, ErrRefused) || errors.Is(cause, ErrStuck) {
		err = cause
	}
	if len(left) > 0 {
		err = errors.Join(err, &AbandonedError{IDs: left})
	}
	return err
}

// drain waits for what runs: for the drain time from the stop on, then it ends the
// handlers' contexts and waits until each has been given back. A receive under way is
// waited for, as it would strand what it brings. It returns the IDs of the tasks that
// did not end by themselves.
func (w *Worker) drain(ctx context.Context, interrupt context.CancelCauseFunc) []string {
	done := make(chan struct{})
	go func() {
		w.polling.Wait() // until then tasks may come
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
		w.polling.Wait()
		within(done, handlerGrace+settleTime)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	left := append(slices.Clone(w.abandoned), w.sources[0].local.running()...)
	for h, started := range w.held { // handlers that must not be left, and ignore their context
		if started {
			left = append(left, taskID(&h.delivery))
		}
	}
	return left
}
