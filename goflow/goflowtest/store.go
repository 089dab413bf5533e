package goflowtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// OpenStore opens a store, and ends it with t.Cleanup. Subtests use fresh IDs,
// so the store may be a new one or one that they share.
type OpenStore func(t *testing.T) port.Store

// TestStore runs the suite. Each subtest opens its store within run. Subtests
// are parallel, so they still run when TestStore has returned: what they share
// is cleaned up by t.Cleanup, never by defer.
func TestStore(t *testing.T, run Runner, features StoreFeatures, open OpenStore) {
	t.Helper()
	for _, c := range storeCases(features) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run(t, func(t *testing.T) { c.test(&storeTest{T: t, features: features, store: open(t)}) })
		})
	}
}

// storeCase is a subtest; its name is what must hold.
type storeCase struct {
	name string
	on   bool
	test func(*storeTest)
}

// storeCases returns the subtests whose features are there.
func storeCases(f StoreFeatures) []storeCase {
	var on []storeCase
	for _, group := range [][]storeCase{saveCases(f), resultCases(f), loadCases(f), claimCases(), pushCases(), reopenCases(), storePowerCases(f)} {
		for _, c := range group {
			if c.on {
				on = append(on, c)
			}
		}
	}
	return on
}

// storeTest is one subtest and the store that it works on.
type storeTest struct {
	*testing.T

	features StoreFeatures
	store    port.Store
}

// save writes records of which none may fail.
func (t *storeTest) save(recs ...port.Record) {
	t.Helper()
	require.NoError(t, t.store.Save(t.Context(), recs), "Save of %d records", len(recs))
}

// saveErr writes one record and returns its error.
func (t *storeTest) saveErr(rec port.Record) error {
	return port.ItemError(t.store.Save(t.Context(), []port.Record{rec}), 0)
}

// loadAll returns the records of some IDs, as they stand after all earlier saves.
func (t *storeTest) loadAll(ids ...string) []port.Record {
	t.Helper()
	recs, err := t.store.Load(t.Context(), ids, true)
	require.NoError(t, err)
	require.Len(t, recs, len(ids))
	for i, id := range ids {
		require.Equal(t, id, recs[i].ID, "the ID of record %d", i)
	}
	return recs
}

// load returns the record of one ID.
func (t *storeTest) load(id string) port.Record {
	t.Helper()
	return t.loadAll(id)[0]
}

// claims asks for some claims and returns the records as they stand after it.
func (t *storeTest) claims(cs ...port.Claim) ([]port.Record, error) {
	t.Helper()
	recs, err := t.store.Claim(t.Context(), cs)
	require.Len(t, recs, len(cs), "records returned by Claim with error %v", err)
	for i, c := range cs {
		require.Equal(t, c.ID, recs[i].ID, "the ID of record %d", i)
	}
	return recs, err
}

// claim asks for one.
func (t *storeTest) claim(c port.Claim) (port.Record, error) {
	t.Helper()
	recs, err := t.claims(c)
	return recs[0], port.ItemError(err, 0)
}

// claimed takes a claim that must succeed.
func (t *storeTest) claimed(c port.Claim) port.Record {
	t.Helper()
	rec, err := t.claim(c)
	require.NoError(t, err, "Claim")
	return rec
}

// has asserts that the stored record is want, the claim aside. Tests make
// want anew, so its Expires may be a little later.
func (t *storeTest) has(want port.Record) {
	t.Helper()
	got := t.load(want.ID)
	require.WithinDuration(t, want.Expires, got.Expires, time.Minute)
	got.Expires = want.Expires
	require.Equal(t, plain(want), plain(got))
}

// plain brings a record into a form that can be compared: no claim, no
// difference between empty and nil, the time in one zone.
func plain(r port.Record) port.Record {
	r.Epoch, r.LeaseEnd, r.Token = 0, time.Time{}, ""
	if len(r.Result) == 0 {
		r.Result = nil
	}
	if len(r.Hash) == 0 {
		r.Hash = nil
	}
	if !r.Expires.IsZero() {
		r.Expires = r.Expires.UTC().Round(0)
	}
	return r
}

// expires is when the suite's records may be forgotten: in whole seconds.
func expires() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }

// open returns an open record of generation 1 without any progress.
func open(id string) port.Record {
	return port.Record{ID: id, State: task.Open, Generation: 1, Expires: expires()}
}

// attempt returns the open record of a task whose nth attempt has failed.
func attempt(id string, n int) port.Record {
	r := open(id)
	r.Attempts, r.GiveBacks, r.Error = n, n, fmt.Sprintf("attempt %d failed", n)
	return r
}

// done returns the record of a task that succeeded.
func done(id, result string) port.Record {
	r := open(id)
	r.State, r.Result = task.Done, []byte(result)
	return r
}

// ended returns a record in the given state, with what belongs to it.
func ended(id string, state task.State) port.Record {
	r := open(id)
	r.State = state
	if state == task.Done {
		r.Result = []byte(`"done"`)
	} else {
		r.Error = state.String() + " it is"
	}
	return r
}

// terminals returns every terminal state.
func terminals() []task.State {
	return []task.State{task.Done, task.Dead, task.Cancelled, task.Expired}
}
