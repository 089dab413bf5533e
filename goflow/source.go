package goflow

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// source is a queue that a worker receives from.
type source struct {
	*Worker
	name      string // "": the worker's own
	broker    Broker
	processor *Processor
	health    health
	keeper    *keeper
	ordered   bool
	local     *localSlots // of a worker in one process; nil: it polls

	// Guarded by Worker.mu.
	active   int  // slots with a handler
	asked    int  // slots for what the receive under way may bring
	settling int  // handler returned, outcome not stored
	waiting  bool // for room
	closed   bool // nothing comes any more
	brought  int  // by the last receive
	more     bool // it brought all that was asked for, so there may be more
}

func (w *Worker) addSource(q Queue) {
	s := &source{Worker: w, name: q.Name, broker: q.Broker, processor: w.processor}
	s.health.log = w.opts.shared.log
	if q.Name != "" {
		s.health.log = s.health.log.With(slog.String("queue", q.Name))
		s.processor = w.processor.forQueue(q)
	}
	w.sources = append(w.sources, s)
}

// forQueue returns a processor that has everything in common but the queue.
func (p *Processor) forQueue(q Queue) *Processor {
	own := *p
	own.limitsOf, own.hops = limitsOf(q.Broker), newHops(q.Broker)
	if q.DeadLetters != nil {
		own.opts.dead, own.opts.noDead = q.DeadLetters, false
	}
	return &own
}

// check asks brokers, dead-letter queues and store whether they are there.
func (w *Worker) check(ctx context.Context) error {
	for _, s := range w.sources {
		if err := s.check(ctx); err != nil {
			return err
		}
	}
	if checker, ok := w.processor.store.(port.Checker); ok {
		return checker.Check(ctx)
	}
	return nil
}

func (s *source) check(ctx context.Context) error {
	for _, part := range []any{s.broker, s.processor.opts.dead} {
		if checker, ok := part.(port.Checker); ok {
			if err := checker.Check(ctx); err != nil {
				return err
			}
		}
	}
	limits, err := s.processor.limitsOf(ctx)
	if err != nil {
		return err
	}
	s.ordered = limits.Ordered
	s.keeper = newKeeper(s.broker, s.processor.store, limits.Lease)
	return nil
}

// alike refuses a queue and dead letters of which only one keeps order.
func alike(name string, b, dead Broker) error {
	queue, ok := b.(port.Orderer)
	letters, too := dead.(port.Orderer)
	switch {
	case !ok || !too || queue.Ordered() == letters.Ordered():
		return nil
	case queue.Ordered():
		return invalid("DeadLetters: of queue %q and its dead-letter queue only the first keeps order, and dead letters would lose theirs: give both, or neither", name)
	}
	return invalid("DeadLetters: of queue %q and its dead-letter queue only the second keeps order: give both, or neither", name)
}

// lastReceive is now while there is no room to receive into.
func (s *source) lastReceive() time.Time {
	if s.local != nil {
		return s.local.lastReceive()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting && s.free() == 0 || s.closed {
		return time.Now()
	}
	return s.health.lastReceive()
}

// poll receives into free slots until ctx ends. base is what tasks run under;
// stop ends the polling with the error that is to be returned.
func (s *source) poll(ctx, base context.Context, stop context.CancelCauseFunc) {
	defer context.AfterFunc(ctx, s.wakeAll)()
	defer s.close()
	into := make([]Delivery, port.MaxMessages)
	for {
		room := s.waitForRoom(ctx)
		if !s.health.pause(ctx) {
			break
		}
		n, err := s.broker.Receive(ctx, into[:room])
		s.start(ctx, base, into[:n], stop)
		if ctx.Err() != nil {
			break // an error of a receive that was told to end is none
		}
		if errors.Is(err, port.ErrClosed) {
			break
		}
		s.judge(partReceive, err, stop)
	}
}

// judge notes how a part fares, and stops the worker where only a person can
// help.
func (s *source) judge(p part, err error, stop context.CancelCauseFunc) {
	switch {
	case err == nil:
		s.health.worked(p)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrStuck):
		stop(err)
	default:
		s.health.failed(p, err)
	}
}

// start holds deliveries and runs each lane of them in its own goroutine, on the
// slots that were kept for them.
func (s *source) start(ctx, base context.Context, ds []Delivery, stop context.CancelCauseFunc) {
	lanes := lanes(ds, s.ordered)
	s.mu.Lock()
	s.more, s.asked, s.brought = len(ds) > 0 && len(ds) == s.asked, 0, len(ds)
	s.active += len(lanes)
	s.room.Broadcast()
	s.mu.Unlock()
	for _, l := range lanes {
		steps := make([]step, len(l))
		for place, i := range l {
			steps[place] = s.step(base, ds[i])
		}
		s.tasks.Go(func() { s.follow(ctx, base, steps, stop) })
	}
}
