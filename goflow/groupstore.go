package goflow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// How long the first of a group waits for others that are under way. A written item
// costs the same in any company, a call does not.
const (
	groupLinger = 5 * time.Millisecond
	saveLinger  = 10 * time.Millisecond // somebody may wait for a result, no slot does
)

// groupedStore is a Store whose calls of one item go together. It has no extra
// powers.
type groupedStore struct {
	store  Store
	saves  *group[Record, struct{}]
	loads  *group[string, Record]
	claims *group[port.Claim, Record]
}

// grouped makes few calls of many, for so many callers, of which each waits for one
// answer at a time; a store that is in this process stays as it is. Where order is kept
// no save lingers: the next of a group waits for it.
func grouped(s Store, callers *atomic.Int64, ordered bool) Store {
	if s == nil || inProcess(s) {
		return s
	}
	g := &groupedStore{
		store:  s,
		saves:  newGroup(port.MaxWrites, func(ctx context.Context, recs []Record) ([]struct{}, error) { return nil, s.Save(ctx, recs) }),
		loads:  newGroup(port.MaxReads, func(ctx context.Context, ids []string) ([]Record, error) { return s.Load(ctx, ids, true) }),
		claims: newGroup(port.MaxWrites, s.Claim),
	}
	expected := func() int { return int(callers.Load()) }
	g.saves.expected, g.claims.expected = expected, expected
	g.saves.linger, g.claims.linger = saveLinger, groupLinger
	if ordered {
		g.saves.linger = 0
	}
	return g
}

// Save stores one record with those of others; several go as they are.
func (g *groupedStore) Save(ctx context.Context, recs []Record) error {
	_, err := g.saves.join(ctx, recs)
	return unknown(err)
}

// Load reads one record with those of others, always freshly: the engine wants no
// other reads.
func (g *groupedStore) Load(ctx context.Context, ids []string, _ bool) ([]Record, error) {
	recs, err := g.loads.join(ctx, ids)
	return recs, unknown(err)
}

// Claim takes one claim with those of others.
func (g *groupedStore) Claim(ctx context.Context, claims []port.Claim) ([]Record, error) {
	recs, err := g.claims.join(ctx, claims)
	return recs, unknown(err)
}

// Reopen goes as it is: redrives are rare.
func (g *groupedStore) Reopen(ctx context.Context, recs []Record) error {
	return g.store.Reopen(ctx, recs)
}

// hurry ends all lingering before the store.
func (p *Processor) hurry() {
	if g, ok := p.store.(*groupedStore); ok {
		g.saves.hurry()
		g.claims.hurry()
	}
}

// unknown makes of the end of a caller's context that it can be tried again.
func unknown(err error) error {
	if errors.Is(err, errUnsent) || errors.Is(err, errFlown) {
		return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
	}
	return err
}
