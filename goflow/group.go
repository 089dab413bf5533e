package goflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// group makes few calls of many single items, as databases commit in groups: the
// first goes at once, those that come while it is under way go together, and a full
// call waits for none. Where a linger is set, the first waits that long for
// others, as long as any are expected. Each gets its own answer. A context that ends
// takes one out of what waits for its call, and ends no call that somebody else still
// waits for.
type group[In, Out any] struct {
	most     int // items in a call
	call     func(context.Context, []In) ([]Out, error)
	linger   time.Duration
	expected func() int   // how many there can be, those under way included; nil: nobody knows
	size     func(In) int // in bytes; nil: nobody counts them
	mostSize int          // in a call

	mu         sync.Mutex
	waiting    []*passenger[In, Out] // in the order in which they came
	calls      int                   // under way
	underWay   int                   // items in them
	hurried    bool                  // nobody lingers any more
	conducting bool
	changed    chan struct{} // something that the conductor should look at
}

// passenger is an item and the one who waits for its answer.
type passenger[In, Out any] struct {
	item In
	ctx  context.Context //nolint:containedctx // it is its caller's, and asked only for its values and its end
	came time.Time
	done chan landing[Out] // has room for the one answer
	with *flight           // nil: it still waits for its call
}

// flight is a call under way.
type flight struct {
	awaited int // by so many
	cancel  context.CancelFunc
}

type landing[Out any] struct {
	out Out
	err error
}

// longCall is after what time nobody waits any more for a call under way to return.
const longCall = 100 * time.Millisecond

// What is known of an item whose caller went away.
var (
	errUnsent = errors.New("not sent")
	errFlown  = errors.New("sent, and not answered in time")
)

func newGroup[In, Out any](most int, call func(context.Context, []In) ([]Out, error)) *group[In, Out] {
	return &group[In, Out]{most: most, call: call, changed: make(chan struct{}, 1)}
}

// join is do for one item, and the call itself for several.
func (g *group[In, Out]) join(ctx context.Context, items []In) ([]Out, error) {
	if len(items) != 1 {
		return g.call(ctx, items)
	}
	out, err := g.do(ctx, items[0])
	return []Out{out}, err
}

// do returns what the call says of item; errUnsent or errFlown when ctx ends before.
func (g *group[In, Out]) do(ctx context.Context, item In) (out Out, err error) {
	if ctx.Err() != nil {
		return out, fmt.Errorf("%w: %w", errUnsent, ctx.Err())
	}
	p := &passenger[In, Out]{item: item, ctx: ctx, came: time.Now(), done: make(chan landing[Out], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	if !g.conducting {
		g.conducting = true
		go g.conduct()
	}
	g.mu.Unlock()
	g.look()
	select {
	case l := <-p.done:
		return l.out, l.err
	case <-ctx.Done():
		return g.leave(p)
	}
}

// leave ends the waiting of one whose context has ended.
func (g *group[In, Out]) leave(p *passenger[In, Out]) (out Out, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case l := <-p.done: // just in time
		return l.out, l.err
	default:
	}
	if p.with == nil {
		g.waiting = slices.DeleteFunc(g.waiting, func(other *passenger[In, Out]) bool { return other == p })
		g.look()
		return out, fmt.Errorf("%w: %w", errUnsent, p.ctx.Err())
	}
	if p.with.awaited--; p.with.awaited == 0 {
		p.with.cancel()
	}
	return out, fmt.Errorf("%w: %w", errFlown, p.ctx.Err())
}

// hurry ends all lingering.
func (g *group[In, Out]) hurry() {
	g.mu.Lock()
	g.hurried = true
	g.mu.Unlock()
	g.look()
}

// look makes the conductor look again.
func (g *group[In, Out]) look() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// conduct starts calls as long as anybody waits.
func (g *group[In, Out]) conduct() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for g.anybody() {
		g.gather()
		timer.Reset(g.depart())
		select {
		case <-timer.C:
		case <-g.changed:
		}
	}
}

// anybody tells whether there is something to conduct.
func (g *group[In, Out]) anybody() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conducting = len(g.waiting) > 0
	return g.conducting
}

// depart starts the calls that may start, and returns for how long no other may.
func (g *group[In, Out]) depart() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	select { // what has changed by now is seen right here
	case <-g.changed:
	default:
	}
	now := time.Now()
	for g.mayFly(now) {
		if some := g.board(); len(some) > 0 {
			g.fly(some)
		}
	}
	if len(g.waiting) == 0 {
		return 0
	}
	return g.departure().Sub(now)
}

// gather lets those come who are about to.
func (g *group[In, Out]) gather() {
	stepAside()
	for before := -1; ; {
		g.mu.Lock()
		n, full := len(g.waiting), g.full()
		g.mu.Unlock()
		if n == 0 || n == before || full {
			return
		}
		before = n
		oneAfterAnother()
	}
}

// mayFly tells whether a call is to start now. The caller holds the lock, as in all
// that follows.
func (g *group[In, Out]) mayFly(now time.Time) bool {
	return len(g.waiting) > 0 && (g.full() || !now.Before(g.departure()))
}

// full tells whether nobody else fits into the next call.
func (g *group[In, Out]) full() bool {
	return len(g.waiting) >= g.most || g.boarding() < len(g.waiting)
}

// departure is when those who wait go, though their call is not full: not so late that
// the call has less than three quarters of anybody's time.
func (g *group[In, Out]) departure() time.Time {
	at := g.waiting[0].came
	if !g.hurried && (g.expected == nil || len(g.waiting)+g.underWay < g.expected()) {
		at = at.Add(g.linger)
	}
	if g.calls > 0 {
		at = at.Add(longCall)
	}
	for _, p := range g.waiting {
		if until, ok := p.ctx.Deadline(); ok {
			at = earlier(at, p.came.Add(until.Sub(p.came)/4))
		}
	}
	return at
}

// boarding is how many of those who wait fit into a call.
func (g *group[In, Out]) boarding() int {
	n, size := 0, 0
	for _, p := range g.waiting[:min(len(g.waiting), g.most)] {
		if g.size != nil {
			size += g.size(p.item)
		}
		if n > 0 && g.mostSize > 0 && size > g.mostSize {
			break
		}
		n++
	}
	return n
}

// board takes those who go with the next call, and still want to.
func (g *group[In, Out]) board() []*passenger[In, Out] {
	n := g.boarding()
	some := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return slices.DeleteFunc(some, func(p *passenger[In, Out]) bool { return p.ctx.Err() != nil })
}

func (g *group[In, Out]) fly(some []*passenger[In, Out]) {
	ctx, cancel := together(some)
	f := &flight{awaited: len(some), cancel: cancel}
	for _, p := range some {
		p.with = f
	}
	g.calls++
	g.underWay += len(some)
	go g.run(ctx, some, cancel)
}

// run makes the call.
func (g *group[In, Out]) run(ctx context.Context, some []*passenger[In, Out], cancel context.CancelFunc) {
	defer cancel()
	items := make([]In, len(some))
	for i, p := range some {
		items[i] = p.item
	}
	var outs []Out
	err := errFlown
	defer func() { g.land(some, outs, err) }() // also when the call ends its goroutine
	outs, err = g.call(ctx, items)
}

// land answers one passenger after another.
func (g *group[In, Out]) land(some []*passenger[In, Out], outs []Out, err error) {
	g.mu.Lock()
	g.calls--
	g.underWay -= len(some)
	g.mu.Unlock()
	g.look()
	for i, p := range some {
		l := landing[Out]{err: port.ItemError(err, i)}
		if i < len(outs) {
			l.out = outs[i]
		}
		if i > 0 {
			oneAfterAnother()
		}
		p.done <- l
	}
}

// together is the context of a call: the values of the first, the end of the last.
func together[In, Out any](some []*passenger[In, Out]) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(some[0].ctx)
	var last time.Time
	for _, p := range some {
		until, ok := p.ctx.Deadline()
		if !ok {
			return context.WithCancel(ctx)
		}
		last = later(last, until)
	}
	return context.WithDeadline(ctx, last)
}
