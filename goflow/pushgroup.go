package goflow

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// pushGroup makes few calls of many single pushes, as databases commit in
// groups: the first goes at once, those that come while it is under way go
// together, and a full call waits for none. Each gets its own answer. A context
// that ends takes one out of what waits for its call, and ends no call that
// somebody else still waits for.
type pushGroup struct {
	most int // in a call
	call func(context.Context, []port.Push) error

	mu      sync.Mutex
	waiting []*groupedPush
	calls   int // under way
}

type groupedPush struct {
	push port.Push
	ctx  context.Context //nolint:containedctx // it is its caller's, and asked only for its values and its end
	done chan error      // has room for the one answer
	with *groupCall      // nil: it still waits for its call
}

// groupCall is one call under way.
type groupCall struct {
	awaited int // by so many
	cancel  context.CancelFunc
}

func (g *pushGroup) do(ctx context.Context, p port.Push) error {
	mine := &groupedPush{push: p, ctx: ctx, done: make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, mine)
	if g.calls == 0 || len(g.waiting) >= g.most {
		g.start() //nolint:contextcheck // the call is others' too
	}
	g.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
		return g.leave(mine)
	}
}

// leave ends the waiting of one whose context has ended.
func (g *pushGroup) leave(mine *groupedPush) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case err := <-mine.done: // just in time
		return err
	default:
	}
	if mine.with == nil {
		g.waiting = slices.DeleteFunc(g.waiting, func(other *groupedPush) bool { return other == mine })
		return fmt.Errorf("goflow: push %s: not sent: %w", mine.push.Type, mine.ctx.Err())
	}
	if mine.with.awaited--; mine.with.awaited == 0 {
		mine.with.cancel()
	}
	return fmt.Errorf("goflow: push %s: %w: %w", mine.push.Type, ErrAmbiguous, mine.ctx.Err())
}

// start makes a call of those who wait, and still want to be sent. The caller
// holds the lock.
func (g *pushGroup) start() {
	g.waiting = slices.DeleteFunc(g.waiting, func(one *groupedPush) bool { return one.ctx.Err() != nil })
	n := min(len(g.waiting), g.most)
	if n == 0 {
		return
	}
	some := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.calls++
	ctx, cancel := together(some)
	with := &groupCall{awaited: n, cancel: cancel}
	for _, one := range some {
		one.with = with
	}
	go g.run(ctx, some, cancel)
}

func (g *pushGroup) run(ctx context.Context, some []*groupedPush, cancel context.CancelFunc) {
	defer cancel()
	pushes := make([]port.Push, len(some))
	for i, one := range some {
		pushes[i] = one.push
	}
	err := g.call(ctx, pushes)
	for i, one := range some {
		one.done <- port.ItemError(err, i)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls--; g.calls == 0 && len(g.waiting) > 0 {
		g.start() //nolint:contextcheck // the next call is of others
	}
}

// together is the context of a call: the values of the first, the end of the last.
func together(some []*groupedPush) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(some[0].ctx)
	var last time.Time
	for _, one := range some {
		until, ok := one.ctx.Deadline()
		if !ok {
			return context.WithCancel(ctx)
		}
		if until.After(last) {
			last = until
		}
	}
	return context.WithDeadline(ctx, last)
}
