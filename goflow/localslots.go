package goflow

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// localSlots are the slots of a worker whose broker and store are in this process, so
// that calls cost nothing: each receives for itself, runs its handler on its own
// goroutine, and settles before it receives again.
type localSlots struct {
	*source
	watch     *localWatch
	ctx       context.Context //nolint:containedctx // of receives: it lasts until the worker stops
	base      context.Context //nolint:containedctx // what all runs are under
	unbounded context.Context //nolint:containedctx // of all calls but receives
	stop      context.CancelCauseFunc
	alive     atomic.Int64
	last      atomic.Int64  // when the broker last answered, in Unix nanoseconds; 0: never
	idle      chan struct{} // closed when the last slot has ended
}

// localSlot is one of them. It belongs to its goroutine; while it is in a handler that
// is abandoned, to whoever goes on with the attempt.
type localSlot struct {
	attempt attempt
	into    [1]Delivery
	room    [1]Record
	run     atomic.Pointer[localRun] // that the watch looks at; nil: no handler runs
	ignore  func()                   // ends the attention to cancels; nil: there is none

	// Of the goroutine that runs the handler, also when it was left behind.
	handling *localRun // nil: it is not in a handler
	answer   answer
}

// local tells whether the worker runs on localSlots: it has one queue, which is in
// this process as its store is.
func (w *Worker) local() bool {
	return len(w.sources) == 1 && inProcess(w.sources[0].broker) && inProcess(w.processor.store)
}

func newLocalSlots(s *source) *localSlots {
	l := &localSlots{source: s, idle: make(chan struct{})}
	l.watch = newLocalWatch(l.goOnWithout)
	return l
}

// serve starts the slots and returns when ctx ends or nothing comes any more.
func (l *localSlots) serve(ctx, base context.Context, stop context.CancelCauseFunc) {
	l.ctx, l.base, l.unbounded, l.stop = ctx, base, context.WithoutCancel(base), stop
	context.AfterFunc(base, func() { l.watch.stop(context.Cause(base)) })
	l.alive.Store(int64(l.opts.concurrency))
	for range l.opts.concurrency {
		l.tasks.Add(1)
		go l.work(l.newSlot()) //nolint:contextcheck // slots end with what serve was given
	}
	select {
	case <-ctx.Done():
	case <-l.idle:
	}
}

func (l *localSlots) newSlot() *localSlot {
	s := &localSlot{}
	l.watch.add(s)
	return s
}

// work is the life of a slot.
func (l *localSlots) work(s *localSlot) {
	defer func() {
		if s.handling != nil { // the handler ends the goroutine
			go l.goOn(s)
		}
	}()
	for l.receive(s) {
		if !l.runOne(s) {
			return
		}
	}
	l.watch.remove(s)
	if l.alive.Add(-1) == 0 {
		close(l.idle)
	}
	l.tasks.Done()
}

// goOn is work from where the handler is over.
func (l *localSlots) goOn(s *localSlot) {
	if l.finish(s) {
		l.work(s)
	}
}

// goOnWithout goes on for a slot whose handler ignores the end of its context: the slot
// waits for it, or another takes over.
func (l *localSlots) goOnWithout(s *localSlot, r *localRun, found runState) {
	l.opts.shared.log.WarnContext(r, "handler is stuck: it ignores the end of its context",
		logTask(r.task.id, r.task.env.Type), slog.Int64("stuck", l.processor.stuck.add(1)))
	if found != abandoned {
		return
	}
	l.conclude(s, r.cause, answer{err: errAbandoned})
	l.watch.remove(s)
	l.work(l.newSlot())
}

// receive waits for a delivery; false: none is to be run any more.
func (l *localSlots) receive(s *localSlot) bool {
	for l.well() {
		n, err := l.broker.Receive(l.ctx, s.into[:])
		s.attempt.since = l.received(&s.into[0], n)
		switch {
		case n > 0 && l.ctx.Err() != nil:
			l.settle(s, Outcome{Action: Release})
			return false
		case l.ctx.Err() != nil || errors.Is(err, port.ErrClosed):
			return false
		case err != nil || l.health.troubled.Load():
			l.judge(partReceive, err, l.stop)
		}
		if n > 0 {
			return true
		}
	}
	return false
}

// well waits while the broker or the store fails; false: the worker is to stop.
func (l *localSlots) well() bool {
	return l.ctx.Err() == nil && (!l.health.troubled.Load() || l.health.pause(l.ctx))
}

// received notes that the broker has answered, and returns when: for a message that is
// new, by the one clock that there is in a process.
func (l *localSlots) received(d *Delivery, n int) time.Time {
	now := d.FirstReceivedAt
	if n == 0 || d.Receives > 1 || now.IsZero() {
		now = time.Now()
	}
	l.last.Store(now.UnixNano())
	return now
}

// runOne takes a delivery to its outcome. False: the handler was stuck, and another slot
// has taken over.
func (l *localSlots) runOne(s *localSlot) bool {
	a := &s.attempt
	a.Processor, a.delivery = l.processor, &s.into[0]
	a.unbounded, a.room = l.unbounded, &s.room
	if outcome := a.begin(l.base); outcome != nil {
		l.settle(s, *outcome)
		return true
	}
	r := a.newRun(l)
	if a.heeds() {
		s.ignore = a.cancels.add(r.task.id, func(cause error) { r.end(cause); l.watch.look() })
	}
	s.handling = r
	handling := a.handling() // from here on the attempt may become another's
	l.watch.run(s, r)
	if l.base.Err() != nil {
		r.end(context.Cause(l.base))
		l.watch.look()
	}
	handling.call(r, &s.answer)
	return l.finish(s)
}

// finish goes on where the handler has returned, unless it was left behind.
func (l *localSlots) finish(s *localSlot) bool {
	was, cause := s.handling.finish()
	s.handling = nil
	if was != running {
		l.processor.stuck.add(-1)
	}
	if was == abandoned {
		return false
	}
	l.conclude(s, cause, s.answer)
	s.answer = answer{}
	return true
}

// conclude stores and settles what became of a run.
func (l *localSlots) conclude(s *localSlot, cause error, r answer) {
	s.run.Store(nil)
	if s.ignore != nil {
		s.ignore()
		s.ignore = nil
	}
	r.err = because(cause, r.err)
	l.settle(s, s.attempt.conclude(l.unbounded, cause, r))
}

// settle does with the message what the outcome says, and keeps nothing of it.
func (l *localSlots) settle(s *localSlot, o Outcome) {
	o = o.comesAgain(&s.into[0])
	if o.Err != nil {
		l.judge(partSettle, o.Err, l.stop)
	}
	var err error
	switch o.Action {
	case Ack:
		err = retryOne(l.unbounded, func() error { return l.broker.Ack(l.unbounded, s.into[:]) })
	case Release:
		err = l.release(l.unbounded, []port.Lease{{Delivery: s.into[0], For: o.After}})
	case Leave:
	}
	if o.interrupted {
		l.mu.Lock()
		l.abandoned = append(l.abandoned, s.attempt.rec.ID)
		l.mu.Unlock()
	}
	if (err != nil || l.health.troubled.Load() && o.Action != Leave) && !errors.Is(err, port.ErrLeaseLost) {
		l.judge(partSettle, err, l.stop)
	}
	s.attempt, s.room[0].Value = attempt{}, nil
	d := &s.into[0]
	d.Body, d.Value, d.Attributes, d.Handle = nil, nil, nil, nil
}

// running are the IDs of the tasks whose handlers run. A nil one has none.
func (l *localSlots) running() (ids []string) {
	if l == nil {
		return nil
	}
	for _, r := range l.watch.runs() {
		ids = append(ids, r.task.id)
	}
	return ids
}

// lastReceive is now while a handler runs on every slot.
func (l *localSlots) lastReceive() (last time.Time) {
	if len(l.watch.runs()) == l.opts.concurrency {
		return time.Now()
	}
	if at := l.last.Load(); at > 0 {
		last = time.Unix(0, at)
	}
	return last
}
