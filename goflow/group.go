package goflow

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// groupLinger is how long the first of a group waits for others that are under
// way. A written item costs the same in any company, a call does not.
const groupLinger = 5 * time.Millisecond

// group makes one call of concurrent calls of one item, as databases commit in
// groups. The first caller waits a moment for the others; each gets its own
// answer, and waits no longer than its own context.
type group[In, Out any] struct {
	most   int // items in a call
	call   func(ctx context.Context, items []In) ([]Out, error)
	flying *atomic.Int64 // callers there can be: when all of them wait, none is to come

	mu   sync.Mutex
	next *flight[In, Out] // takes more items; nil: the next caller is a first one
}

// flight is one call and those who wait for it.
type flight[In, Out any] struct {
	items   []In
	until   time.Time     // the latest of its callers' deadlines
	endless bool          // one of them has none
	full    chan struct{} // closed when nobody else is awaited
	done    chan struct{} // closed when outs and err are set
	outs    []Out
	err     error
}

// do returns what the call says of item. The call goes on when ctx ends, as it is
// others' too; nothing is known of the item then.
func (g *group[In, Out]) do(ctx context.Context, item In) (out Out, err error) {
	f, place := g.board(ctx, item)
	if place == 0 {
		go g.fly(context.WithoutCancel(ctx), f)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return out, fmt.Errorf("%w: %w", port.ErrUnavailable, ctx.Err())
	}
	if place < len(f.outs) {
		out = f.outs[place]
	}
	return out, port.ItemError(f.err, place)
}

// join is do for one item, and the call itself for several.
func (g *group[In, Out]) join(ctx context.Context, items []In) ([]Out, error) {
	if len(items) != 1 {
		return g.call(ctx, items)
	}
	out, err := g.do(ctx, items[0])
	return []Out{out}, err
}

// board adds item to the next flight and returns its place in it.
func (g *group[In, Out]) board(ctx context.Context, item In) (f *flight[In, Out], place int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = &flight[In, Out]{full: make(chan struct{}), done: make(chan struct{})}
	}
	f = g.next
	f.items = append(f.items, item)
	if until, ok := ctx.Deadline(); !ok {
		f.endless = true
	} else if until.After(f.until) {
		f.until = until
	}
	if len(f.items) >= min(g.most, int(g.flying.Load())) {
		g.next = nil
		close(f.full)
	}
	return f, len(f.items) - 1
}

// fly makes the call when everybody is there, or after a moment.
func (g *group[In, Out]) fly(ctx context.Context, f *flight[In, Out]) {
	defer close(f.done)
	within(f.full, groupLinger)
	g.mu.Lock()
	if g.next == f {
		g.next = nil
	}
	g.mu.Unlock()
	if !f.endless {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, f.until)
		defer cancel()
	}
	f.outs, f.err = g.call(ctx, f.items)
}

// groupedStore is a Store whose calls of one item go together. It has no extra
// powers.
type groupedStore struct {
	store  Store
	saves  group[Record, struct{}]
	loads  group[string, Record]
	claims group[port.Claim, Record]
}

func newGroupedStore(s Store, flying *atomic.Int64) *groupedStore {
	g := &groupedStore{store: s}
	g.saves = group[Record, struct{}]{most: port.MaxWrites, flying: flying, call: func(ctx context.Context, recs []Record) ([]struct{}, error) {
		return nil, s.Save(ctx, recs)
	}}
	g.loads = group[string, Record]{most: port.MaxReads, flying: flying, call: func(ctx context.Context, ids []string) ([]Record, error) {
		return s.Load(ctx, ids, true)
	}}
	g.claims = group[port.Claim, Record]{most: port.MaxWrites, flying: flying, call: s.Claim}
	return g
}

// Save stores one record with those of others; several go as they are.
func (g *groupedStore) Save(ctx context.Context, recs []Record) error {
	_, err := g.saves.join(ctx, recs)
	return err
}

// Load reads one record with those of others, always freshly: the engine wants no
// other reads.
func (g *groupedStore) Load(ctx context.Context, ids []string, _ bool) ([]Record, error) {
	return g.loads.join(ctx, ids)
}

// Claim takes one claim with those of others.
func (g *groupedStore) Claim(ctx context.Context, claims []port.Claim) ([]Record, error) {
	return g.claims.join(ctx, claims)
}

// Reopen goes as it is: redrives are rare.
func (g *groupedStore) Reopen(ctx context.Context, recs []Record) error {
	return g.store.Reopen(ctx, recs)
}
