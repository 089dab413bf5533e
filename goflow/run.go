package goflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Info is what a handler or middleware can know of its task.
type Info struct {
	ID, Type string
	// Attempt counts from 1; MaxAttempts is its last.
	Attempt, MaxAttempts int
	// Generation is 1, and one more per redrive from the dead letters.
	Generation int
	Headers    map[string]string
}

type infoKey struct{}

// TaskFromContext returns what is known of the task that ctx belongs to; false
// outside of a handler.
func TaskFromContext(ctx context.Context) (Info, bool) {
	info, ok := ctx.Value(infoKey{}).(Info)
	return info, ok
}

func (a *attempt) info() Info {
	return Info{
		ID: a.rec.ID, Type: a.env.Type, Attempt: a.number, MaxAttempts: a.policy.maxAttempts,
		Generation: a.rec.Generation, Headers: maps.Clone(a.env.Headers),
	}
}

// errAbandoned: the handler did not return when its context ended.
var errAbandoned = errors.New("the handler ignored the end of its context")

// run calls the handler under its deadline. A handler that ignores the end of
// its context is left behind, and what it returns later is dropped; but the
// claim of a job that is Once is kept until its handler has returned, unless
// the task was cancelled: then nobody takes it any more.
func (a *attempt) run(ctx context.Context) (any, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithValue(ctx, infoKey{}, a.info()), a.policy.timeout, ErrTimeout)
	defer cancel()
	handling, done := a.handling(), make(chan answer, 1)
	go func() {
		var r answer
		defer func() { done <- r }() // also when the handler ends its goroutine
		handling.call(ctx, &r)
	}()
	select {
	case r := <-done:
		return r.result, because(context.Cause(ctx), r.err)
	case <-ctx.Done():
	}
	grace := time.NewTimer(a.graceOf(context.Cause(ctx)))
	defer grace.Stop()
	select {
	case r := <-done:
		return r.result, because(context.Cause(ctx), r.err)
	case <-grace.C:
	}
	a.opts.shared.log.WarnContext(ctx, "handler is stuck: it ignores the end of its context",
		logTask(a.rec.ID, a.env.Type), slog.Int64("stuck", a.stuck.add(1)))
	if a.once() && !errors.Is(context.Cause(ctx), ErrCancelled) {
		if a.deaf != nil {
			a.deaf()
		}
		defer a.stuck.add(-1)
		r := <-done
		return r.result, because(context.Cause(ctx), r.err)
	}
	go func() {
		<-done
		a.stuck.add(-1)
	}()
	return nil, because(context.Cause(ctx), errAbandoned)
}

// graceOf is what the handler gets to return. A home that is told to stop, and has
// an end, is about to be killed: it gives back what is left before that.
func (a *attempt) graceOf(cause error) time.Duration {
	grace := cmp.Or(a.grace, handlerGrace)
	if errors.Is(cause, ErrStopping) && !a.until.IsZero() {
		return min(grace, stopGrace)
	}
	return grace
}

// because adds why the context ended to a handler's error.
func because(cause, err error) error {
	if err != nil && cause != nil && !strings.Contains(err.Error(), cause.Error()) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// answer is what a handler's run came to.
type answer struct {
	result any
	err    error
}

// handling is all that a handler's run needs. The attempt goes on without it when the
// handler is left behind.
type handling struct {
	mux   *Mux
	entry *entry
	in    payload
	id    string
	log   *slog.Logger
}

func (a *attempt) handling() handling {
	return handling{a.mux, a.entry, payload{a.env, a.local}, a.rec.ID, a.opts.shared.log}
}

// call runs the handler and turns a panic, or the end of its goroutine, into
// an error. Its error is read in here too: that runs the program's own code.
func (c *handling) call(ctx context.Context, r *answer) {
	returned := false
	defer func() {
		if returned {
			return
		}
		r.err = errors.New("the handler ended its goroutine")
		if v := recover(); v != nil {
			p := &PanicError{Value: fmt.Sprint(v), Stack: debug.Stack()}
			r.err = p
			c.log.ErrorContext(ctx, "handler panicked", logTask(c.id, c.in.env.Type), slog.String("stack", string(p.Stack)))
		}
	}()
	result, err := c.mux.run(ctx, c.entry, c.in)
	r.result, r.err = result, flatten(err)
	returned = true
}

// flatten keeps of a handler's error what the engine needs: its text, and
// where it steers.
func flatten(err error) error {
	if err == nil {
		return nil
	}
	plain := errors.New(text(err))
	if _, ok := errors.AsType[*permanentError](err); ok {
		return Permanent(plain)
	}
	if wish, ok := errors.AsType[*retryAfterError](err); ok {
		return RetryAfter(wish.after, plain)
	}
	if wish, ok := errors.AsType[*snoozeError](err); ok {
		return wish
	}
	return plain
}

// stuckCount counts handlers that outlived their context.
type stuckCount struct {
	n     atomic.Int64
	limit int64
	full  func() // called when the limit is reached
}

func (s *stuckCount) add(n int64) (count int64) {
	if count = s.n.Add(n); count >= s.limit && s.full != nil {
		s.full()
	}
	return count
}

// handlerReturned frees what the handler held: its slot, and its place as a suspect.
func (a *attempt) handlerReturned() {
	if a.returned != nil {
		a.returned()
	}
	a.clear()
}

// takeOff begins the task's flight; false: a copy of it is under way. What nobody can
// have pushed again knows its own copies.
func (a *attempt) takeOff() bool {
	if a.alone() {
		return a.local.base().flying.CompareAndSwap(false, true)
	}
	return a.flights.enter(a.rec.ID)
}

func (a *attempt) land() {
	if a.alone() {
		a.local.base().flying.Store(false)
		return
	}
	a.flights.leave(a.rec.ID)
}

// flights are the tasks under way in this process: a process runs one delivery
// per task at a time. The zero value is ready to use.
type flights struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

func (f *flights) enter(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, flying := f.ids[id]; flying {
		return false
	}
	if f.ids == nil {
		f.ids = map[string]struct{}{}
	}
	f.ids[id] = struct{}{}
	return true
}

func (f *flights) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ids, id)
}
