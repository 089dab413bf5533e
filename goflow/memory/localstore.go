package memory

import (
	"context"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// LocalStore is the port.Store of local mode. It is port.InProcess: a record's
// Value comes out as the Go value that went in. Any text is an ID, calls take
// any number of items, work whatever became of ctx, and never say
// port.ErrTooLarge; port.ErrInvalid comes for a state that is none, a
// generation below 1, and a claim without Token or time. Two outcomes that
// differ in a Value which Go cannot compare count as different.
//
// Records are forgotten as by Store. It also is a port.Awaiter and a port.Notifier.
type LocalStore struct{ t *table }

var (
	_ port.Store     = (*LocalStore)(nil)
	_ port.InProcess = (*LocalStore)(nil)
	_ port.Awaiter   = (*LocalStore)(nil)
	_ port.Notifier  = (*LocalStore)(nil)
)

// NewLocalStore returns an empty store.
func NewLocalStore(opts ...StoreOption) *LocalStore { return &LocalStore{t: newTable(opts)} }

// InProcess marks the store as one that keeps Values.
func (s *LocalStore) InProcess() {}

// Save implements port.Store.
func (s *LocalStore) Save(_ context.Context, recs []port.Record) error {
	return s.t.saveAll(recs, checkState)
}

// Load implements port.Store. Every Load is fresh. It never fails.
func (s *LocalStore) Load(_ context.Context, ids []string, _ bool) ([]port.Record, error) {
	return s.t.loadAll(ids), nil
}

// Claim implements port.Store.
func (s *LocalStore) Claim(_ context.Context, claims []port.Claim) ([]port.Record, error) {
	return s.t.claimAll(claims, checkClaim)
}

// Reopen implements port.Store. It never fails.
func (s *LocalStore) Reopen(_ context.Context, recs []port.Record) error {
	s.t.reopenAll(recs)
	return nil
}

// Peek implements port.Notifier.
func (s *LocalStore) Peek(id string) (port.Record, bool) { return s.t.peek(id) }

// Notify implements port.Notifier.
func (s *LocalStore) Notify(id string, ended chan<- struct{}) (port.Record, bool) {
	return s.t.notify(id, ended)
}

// Unnotify implements port.Notifier.
func (s *LocalStore) Unnotify(id string, ended chan<- struct{}) (port.Record, bool) {
	return s.t.unnotify(id, ended)
}

// Await implements port.Awaiter.
func (s *LocalStore) Await(ctx context.Context, id string) (port.Record, error) {
	return s.t.await(ctx, id)
}
