package goflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
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
	own.limitsOf = limitsOf(q.Broker)
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
	dead := s.processor.opts.dead
	for _, part := range []any{s.broker, dead} {
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
	if limiter, ok := dead.(port.Limiter); ok {
		deadLimits, err := limiter.Limits(ctx)
		if err != nil {
			return err
		}
		if deadLimits.Ordered != limits.Ordered {
			return invalid("DeadLetters: queue %q and its dead-letter queue: %s", s.name, unlike(limits.Ordered))
		}
	}
	s.ordered = limits.Ordered
	s.keeper = newKeeper(s.broker, s.processor.store, limits.Lease)
	return nil
}

func unlike(ordered bool) string {
	if ordered {
		return "only the first keeps order, and dead letters would lose theirs: give both, or neither"
	}
	return "only the second keeps order: give both, or neither"
}

// lastReceive is now while there is no room to receive into.
func (s *source) lastReceive() time.Time {
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

// step is one delivery of a lane.
type step struct {
	hold *hold
	run  func(returned func()) Outcome
}

// step begins to hold a delivery.
func (s *source) step(base context.Context, d Delivery) step {
	ctx, cancel := context.WithCancelCause(base)
	h := s.keeper.keep(d, cancel)
	s.mu.Lock()
	s.held[h] = struct{}{}
	s.mu.Unlock()
	since := time.Now()
	return step{h, func(returned func()) Outcome {
		return s.processor.process(ctx, &h.delivery, custody{hold: h, returned: returned, since: since})
	}}
}

// follow runs a lane until a delivery has to come again, and settles it: the rest
// comes again with that one. What is not started when the worker stops goes back.
func (s *source) follow(ctx, base context.Context, l []step, stop context.CancelCauseFunc) {
	returned := sync.OnceFunc(func() { s.count(-1, 1) })
	defer func() { s.count(0, -1) }()
	defer returned() // where no handler ran
	for n, st := range l {
		last := n == len(l)-1
		outcome := Outcome{Action: Release}
		switch {
		case n > 0 && !st.hold.ours():
			outcome.Action = Leave
		case ctx.Err() == nil && last:
			outcome = st.run(returned)
		case ctx.Err() == nil:
			outcome = st.run(nil) // the next one has the slot
		}
		if last {
			returned()
		}
		if !s.settle(base, l[n:], outcome, stop) {
			return
		}
	}
}

// settle does with the message of the first step what the outcome says, and tells
// whether the others may run. If not, they are given back by the same call, for as
// long, or left with it: so a group has its order wherever a message that can be
// received again frees its group, too.
func (s *source) settle(ctx context.Context, l []step, o Outcome, stop context.CancelCauseFunc) (goOn bool) {
	ctx, cancel := settling(ctx)
	defer cancel()
	err := o.Err
	var ours []*hold
	switch o.Action {
	case Ack:
		l[0].hold.drop()
		err = retryOne(ctx, func() error { return s.broker.Ack(ctx, []Delivery{l[0].hold.delivery}) })
		if goOn = err == nil; goOn {
			l = l[:1]
		}
	case Release:
		for _, st := range l {
			if st.hold.drop() {
				ours = append(ours, st.hold)
			}
		}
		err = s.release(ctx, ours, o.After)
	case Leave:
	}
	s.let(l, o.interrupted)
	if (err != nil || o.Action != Leave) && !errors.Is(err, port.ErrLeaseLost) {
		s.judge(partSettle, err, stop) // a lost lease says nothing of broker and store
	}
	return goOn
}

// release makes messages come again after a while. It returns the first error that
// is not about a lost lease, else one that is.
func (s *source) release(ctx context.Context, holds []*hold, after time.Duration) error {
	if len(holds) == 0 {
		return fmt.Errorf("nothing to give back: %w", port.ErrLeaseLost)
	}
	err := retryItems(ctx, len(holds), func(items []int) error {
		leases := make([]port.Lease, len(items))
		for place, item := range items {
			leases[place] = port.Lease{Delivery: holds[item].delivery, For: after}
		}
		return s.broker.Extend(ctx, leases)
	})
	var lost error
	for i := range holds {
		switch err := port.ItemError(err, i); {
		case errors.Is(err, port.ErrLeaseLost):
			lost = err
		case err != nil:
			return err
		}
	}
	return lost
}

// let forgets deliveries that are settled.
func (s *source) let(l []step, interrupted bool) {
	for _, st := range l {
		st.hold.drop()
		st.hold.cancel(nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range l {
		delete(s.held, st.hold)
	}
	if interrupted {
		s.abandoned = append(s.abandoned, taskID(&l[0].hold.delivery))
	}
}

// used is how many slots the source has. The caller holds the lock.
func (s *source) used() int { return s.active + s.asked }

// free is how many slots the source may take now: what the others leave, less the
// one that each of them has for itself. Of those who wait, the one with the fewest
// goes first. The caller holds the lock.
func (s *source) free() int {
	free, settling := s.opts.concurrency, 0
	for _, other := range s.sources {
		free -= other.used()
		settling += other.settling
		if other != s && other.used() == 0 && !other.closed {
			free--
		}
	}
	hungrier := func(other *source) bool { return other.waiting && other.used() < s.used() }
	if settling >= maxSettling || slices.ContainsFunc(s.sources, hungrier) {
		return 0
	}
	return max(free, 0)
}

// waitForRoom blocks until a slot is free and not too many outcomes are being
// stored. It returns how many messages to ask for, whose slots are then kept; 1
// when ctx has ended.
func (s *source) waitForRoom(ctx context.Context) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
	for s.free() == 0 && ctx.Err() == nil {
		s.room.Wait()
	}
	s.asked = s.ask(min(max(s.free(), 1), port.MaxMessages))
	s.waiting = false
	s.room.Broadcast()
	return s.asked
}

// ask is how many of the free slots the source keeps for a receive. It may last a
// whole poll wait, so one that had little asks for little; and while others have
// more to do, it goes beyond its share one by one only. The caller holds the lock.
func (s *source) ask(free int) int {
	if len(s.sources) == 1 {
		return free
	}
	busy := 1
	for _, other := range s.sources {
		if other != s && other.more {
			busy++
		}
	}
	if busy > 1 {
		free = min(free, max(s.opts.concurrency/busy-s.used(), 1))
	}
	return min(free, max(2*s.brought, 1))
}

func (w *Worker) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// count moves the counters and wakes the pollers.
func (s *source) count(active, settling int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active += active
	s.settling += settling
	s.room.Broadcast()
}

// close gives the source's own slot to the others.
func (s *source) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.closed = 0, true
	s.room.Broadcast()
}
