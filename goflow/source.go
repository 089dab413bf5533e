package goflow

import (
	"cmp"
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
	acks      *group[Delivery, struct{}] // nil: each ack goes by itself
	ordered   bool
	ahead     bool        // deliveries may wait here for a slot
	local     *localSlots // of a worker in one process; nil: it polls

	// Guarded by Worker.mu.
	pollers  int           // receives that may be under way
	stalled  int           // pollers that wait for room
	asked    int           // deliveries that the receives under way may bring
	ready    []*lane       // received, and waiting for a slot
	active   int           // slots with a handler
	settling int           // handler returned, outcome not stored
	started  int           // slots taken so far
	pace     int           // slots taken during the last full receive
	stint    time.Duration // about how long a lane has its slot; 0: not known yet
	restless time.Time     // until then nothing is received ahead
	closed   bool          // nothing comes any more
	brought  int           // by the last receive
	more     bool          // it brought all that was asked for, so there may be more
}

// ackLinger is how long an ack waits for others: nobody waits for it.
const ackLinger = 50 * time.Millisecond

func (w *Worker) addSource(q Queue) {
	s := &source{Worker: w, name: q.Name, broker: q.Broker, processor: w.processor, pollers: 1}
	if !inProcess(q.Broker) {
		s.acks = newGroup(port.MaxMessages, func(ctx context.Context, ds []Delivery) ([]struct{}, error) { return nil, s.broker.Ack(ctx, ds) })
	}
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

// fit refuses queues whose dead letters don't go with them.
func (w *Worker) fit() error {
	queues := make([]Broker, len(w.sources))
	for i, s := range w.sources {
		queues[i] = s.broker
	}
	for _, s := range w.sources {
		dead := s.processor.opts.dead
		if err := cmp.Or(apart(s.name, dead, queues...), alike(s.name, s.broker, dead)); err != nil {
			return err
		}
	}
	return nil
}

// check asks brokers, dead-letter queues and store whether they are there.
func (w *Worker) check(ctx context.Context) error {
	for _, s := range w.sources {
		if err := s.check(ctx); err != nil {
			return err
		}
	}
	if checker, ok := w.store.(port.Checker); ok {
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
	s.ahead = !s.ordered && limits.Lease > 0 && len(s.sources) == 1
	if s.acks != nil && !s.ordered { // a group goes on when its message is deleted
		s.acks.linger, s.acks.expected = ackLinger, s.unsettled
	}
	s.keeper = newKeeper(s.broker, s.store, limits.Lease)
	return nil
}

// lastReceive is now while there is no room to receive into.
func (s *source) lastReceive() time.Time {
	if s.local != nil {
		return s.local.lastReceive()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled > 0 && s.asked == 0 || s.closed {
		return time.Now()
	}
	return s.health.lastReceive()
}

// poll receives until ctx ends, or another poller has too little to do. base is what
// tasks run under; stop ends the polling with the error that is to be returned.
func (s *source) poll(ctx, base context.Context, stop context.CancelCauseFunc) {
	defer context.AfterFunc(ctx, s.wakeAll)()
	into := make([]Delivery, port.MaxMessages)
	for {
		room, started := s.waitForRoom(ctx)
		if s.health.troubled.Load() && !s.stay(room) {
			return // one is enough to see whether the trouble is over
		}
		if !s.health.pause(ctx) {
			break
		}
		n, err := s.broker.Receive(ctx, into[:room])
		s.arrived(n, room)
		s.start(ctx, base, into[:n], stop)
		if ctx.Err() != nil || errors.Is(err, port.ErrClosed) {
			break // an error of a receive that was told to end is none
		}
		s.judge(partReceive, err, stop)
		if !s.adapt(n, room, started, func() { s.poll(ctx, base, stop) }) {
			return
		}
	}
	s.leave()
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

// start holds deliveries and follows each lane of them in its own goroutine.
func (s *source) start(ctx, base context.Context, ds []Delivery, stop context.CancelCauseFunc) {
	lanes := lanes(ds, s.ordered)
	all := make([]*lane, len(lanes))
	for n, indexes := range lanes {
		all[n] = &lane{slot: make(chan struct{})}
		for _, i := range indexes {
			all[n].steps = append(all[n].steps, s.step(base, ds[i]))
		}
	}
	for _, l := range all {
		s.line(l)
		s.tasks.Go(func() { s.follow(ctx, base, l, stop) })
		oneAfterAnother()
	}
}
