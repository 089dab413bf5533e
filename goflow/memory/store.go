package memory

import (
	"context"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// maxRecordBytes is what DynamoDB allows for an item.
const maxRecordBytes = 400 << 10

// Store is a strict port.Store: it enforces the limits of the DynamoDB table
// that GoFlow uses.
//
//   - Save: port.ErrTooLarge over 400 KiB, attribute names counted; besides
//     what port.Store names, port.ErrInvalid for an ID that is not a UUID, a
//     Value, a state that is none, or a generation below 1.
//   - Claim: port.ErrInvalid for such an ID or generation, for no Token when it
//     takes a claim, and for no time.
//   - All: port.ErrInvalid for the whole call of no item or too many, and
//     port.ErrUnavailable when ctx has ended before it.
//
// A record without Expires is kept for ever; others are forgotten when new ones
// come: a new one drops up to two that are over, so that there are never more
// than twice as many as count. It also is a port.Awaiter.
type Store struct {
	t        *table
	maxBytes int
}

var (
	_ port.Store   = (*Store)(nil)
	_ port.Awaiter = (*Store)(nil)
)

// StoreOption changes what NewStore and NewLocalStore make.
type StoreOption func(*table)

// MaxRecords says how many records to keep at most: above it the ones that were
// made first are forgotten, if they have ended, before they expire. Open ones
// are always kept. The default is 0: all.
func MaxRecords(n int) StoreOption {
	return func(t *table) { t.most = n }
}

// NewStore returns an empty store.
func NewStore(opts ...StoreOption) *Store {
	return &Store{t: newTable(opts), maxBytes: maxRecordBytes}
}

// Save implements port.Store.
func (s *Store) Save(ctx context.Context, recs []port.Record) error {
	if err := storable(ctx, "save", len(recs), port.MaxWrites); err != nil {
		return err
	}
	return s.t.saveAll(recs, s.check)
}

// Load implements port.Store. Every Load is fresh.
func (s *Store) Load(ctx context.Context, ids []string, _ bool) ([]port.Record, error) {
	if err := storable(ctx, "load", len(ids), port.MaxReads); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !isUUID(id) {
			return nil, fmt.Errorf("memory: load: ID %q is not a UUID: %w", id, port.ErrInvalid)
		}
	}
	return s.t.loadAll(ids), nil
}

// Claim implements port.Store.
func (s *Store) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	if err := storable(ctx, "claim", len(claims), port.MaxWrites); err != nil {
		return nil, err
	}
	return s.t.claimAll(claims, func(c *port.Claim) error {
		if !isUUID(c.ID) {
			return fmt.Errorf("ID %q is not a UUID: %w", c.ID, port.ErrInvalid)
		}
		return checkClaim(c)
	})
}

// Reopen implements port.Store.
func (s *Store) Reopen(ctx context.Context, recs []port.Record) error {
	if err := storable(ctx, "reopen", len(recs), port.MaxWrites); err != nil {
		return err
	}
	s.t.reopenAll(recs)
	return nil
}

// Await implements port.Awaiter.
func (s *Store) Await(ctx context.Context, id string) (port.Record, error) {
	return s.t.await(ctx, id)
}

// storable says whether a call can be made: as over a network, it cannot when
// ctx has ended.
func storable(ctx context.Context, call string, n, most int) error {
	if err := ctx.Err(); err != nil {
		return notDone(call, err)
	}
	return fits(call, n, most)
}

// The batches, each under one lock.

func (t *table) saveAll(recs []port.Record, check func(*port.Record) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return each(len(recs), func(i int) error {
		if err := check(&recs[i]); err != nil {
			return fmt.Errorf("memory: save: %w", err)
		}
		return t.save(&recs[i])
	})
}

func (t *table) loadAll(ids []string) []port.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	recs := make([]port.Record, len(ids))
	for i, id := range ids {
		t.look(id, &recs[i])
	}
	return recs
}

func (t *table) claimAll(claims []port.Claim, check func(*port.Claim) error) ([]port.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	recs := make([]port.Record, len(claims))
	err := each(len(claims), func(i int) (err error) {
		c := &claims[i]
		if err := check(c); err != nil {
			recs[i] = port.Record{ID: c.ID}
			return fmt.Errorf("memory: claim: %w", err)
		}
		recs[i], err = t.claim(c)
		return err
	})
	return recs, err
}

func (t *table) reopenAll(recs []port.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range recs {
		t.reopen(&recs[i])
	}
}
