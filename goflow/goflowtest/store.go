package goflowtest

import (
	"testing"

	"github.com/jamesTait-jt/goflow/goflow/port"
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
	test func(*storeTest)
}

func storeCases(f StoreFeatures) []storeCase {
	_ = f
	return nil
}

// storeTest is one subtest and the store that it works on.
type storeTest struct {
	*testing.T

	features StoreFeatures
	store    port.Store
}
