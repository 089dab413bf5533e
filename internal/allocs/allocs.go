// Package allocs bounds what a decoder may allocate for one input: for tests.
package allocs

import (
	"runtime/metrics"
	"testing"
)

// Spare is what any input may cost beside its size, in bytes. It also covers what
// the runtime counts late, which are small allocations only.
const Spare = 1 << 20

// Within fails the test if f allocates more than factor times size bytes and
// Spare. Everything that the process allocates meanwhile counts, freed or not, so
// nothing else should run.
func Within(t testing.TB, size, factor int, f func()) {
	t.Helper()
	before := allocated()
	f()
	got, most := allocated()-before, uint64(size)*uint64(factor)+Spare //nolint:gosec // a size is not negative
	if got > most {
		t.Fatalf("an input of %d bytes made %d be allocated: at most %d times as many and %d are allowed", size, got, factor, Spare)
	}
}

// allocated is what has ever been allocated. It is cheap enough to be asked for each
// input, as runtime.ReadMemStats, which stops the world, is not.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
