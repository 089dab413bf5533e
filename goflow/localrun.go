package goflow

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// localRun is one run of a handler on a slot's own goroutine, and the context that
// the handler gets. Most handlers ask their context for nothing, so it becomes one of
// package context only when somebody does. It is never used twice: a handler may keep
// its context.
type localRun struct {
	slots      *localSlots
	task       *localTask
	number     int32
	most       int32
	generation int32
	once       bool

	state    runState      // guarded by mu, as all below
	deadline time.Duration // since slots.watch.began, as all times here; set before the run
	until    time.Duration // when the handler has to have returned after its context ended
	cause    error         // why its context is to end; nil: it is not, as far as it was told
	asked    *askedContext // nil: nobody has asked for more than the run knows
	mu       sync.Mutex
}

// askedContext is a run's context as one of package context.
type askedContext struct {
	context.Context //nolint:containedctx // it is one
	stop            context.CancelCauseFunc
}

// runState says who owns what becomes of a run.
type runState uint8

const (
	running   runState = iota // its slot
	returned                  // its slot, which goes on
	overdue                   // its slot, which waits for a stuck handler
	abandoned                 // whoever has found its handler to be stuck
)

// newRun makes the run of an attempt. The first of a plain push has its room.
func (a *attempt) newRun(l *localSlots) *localRun {
	var t *localTask
	if a.local != nil {
		t = a.local.base()
	}
	if t == nil || t.ran {
		t = &localTask{env: a.env, id: a.rec.ID}
	}
	t.ran = true
	r := &t.run
	r.task = t
	r.slots, r.generation = l, int32(a.rec.Generation)                                //nolint:gosec // nothing is redriven so often
	r.number, r.most, r.once = int32(a.number), int32(a.policy.maxAttempts), a.once() //nolint:gosec // options bound them
	r.deadline = a.opened.Sub(l.watch.began) + a.policy.timeout
	return r
}

// Deadline implements context.Context.
func (r *localRun) Deadline() (time.Time, bool) { return r.slots.watch.began.Add(r.deadline), true }

// Done implements context.Context.
func (r *localRun) Done() <-chan struct{} { return r.context().Done() }

// Err implements context.Context.
func (r *localRun) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.asked != nil:
		return r.asked.Err()
	case errors.Is(r.cause, ErrTimeout):
		return context.DeadlineExceeded
	case r.cause != nil, r.state == returned:
		return context.Canceled
	}
	return r.slots.base.Err()
}

// Value implements context.Context.
func (r *localRun) Value(key any) any {
	if key != (infoKey{}) {
		return r.context().Value(key) // package context asks so, too
	}
	return Info{
		ID: r.task.id, Type: r.task.env.Type, Attempt: int(r.number), MaxAttempts: int(r.most),
		Generation: int(r.generation), Headers: maps.Clone(r.task.env.Headers),
	}
}

// context is the run's context as one of package context, which ends by itself.
func (r *localRun) context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked != nil {
		return r.asked.Context
	}
	deadline, _ := r.Deadline()
	timed, free := context.WithDeadlineCause(r.slots.base, deadline, ErrTimeout)
	ctx, stop := context.WithCancelCause(timed)
	r.asked = &askedContext{ctx, func(cause error) { stop(cause); free() }}
	if r.cause != nil || r.state == returned {
		r.asked.stop(r.cause)
	}
	return ctx
}

// end ends the run's context; the handler then has its grace to return.
func (r *localRun) end(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != running || r.cause != nil {
		return
	}
	r.cause, r.until = cause, r.slots.watch.since()+handlerGrace
	if r.asked != nil && !errors.Is(cause, ErrTimeout) { // which it knows by itself
		r.asked.stop(cause)
	}
}

// finish is called when the handler has returned. It returns the state before, and
// why the context had ended by then; nil: it had not.
func (r *localRun) finish() (was runState, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, r.state = r.state, returned
	switch {
	case r.cause != nil:
		cause = r.cause
	case r.asked != nil:
		cause = context.Cause(r.asked)
	default:
		cause = context.Cause(r.slots.base)
	}
	if r.asked != nil {
		r.asked.stop(nil)
	}
	return was, cause
}

// look ends the run if its time is over. It returns running and when to look again,
// 0 is never; or what the run is from now on, because its handler is stuck.
func (r *localRun) look(now time.Duration) (found runState, again time.Duration) {
	if now >= r.deadline {
		r.end(ErrTimeout)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state != running:
		return running, 0
	case r.cause == nil:
		return running, r.deadline
	case now < r.until:
		return running, r.until
	case r.once && !errors.Is(r.cause, ErrCancelled): // its claim is kept
		r.state = overdue
	default:
		r.state = abandoned
	}
	return r.state, 0
}
