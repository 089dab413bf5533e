package allocs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/allocs"
)

// verdict is a test that only notes whether it failed.
type verdict struct {
	testing.TB
	failed bool
}

func (v *verdict) Fatalf(string, ...any) { v.failed = true }

func TestWhatIsAllocatedIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	var kept [][]byte
	for _, c := range []struct {
		name         string
		size, factor int
		large, small int // allocations of 1 MiB and of 64 bytes
		fails        bool
	}{
		{name: "nothing"},
		{name: "one large one, as for a length that is a lie", size: 10, factor: 8, large: 3, fails: true},
		{name: "many small ones", size: 10, factor: 8, small: 100_000, fails: true},
		{name: "what the size allows", size: 1 << 20, factor: 8, large: 6},
		{name: "more than the size allows", size: 1 << 20, factor: 2, large: 6, fails: true},
	} {
		v := &verdict{TB: t}
		allocs.Within(v, c.size, c.factor, func() {
			for range c.large {
				kept = append(kept, make([]byte, 1<<20))
			}
			for range c.small {
				kept = append(kept, make([]byte, 64))
			}
		})
		kept = nil
		require.Equal(t, c.fails, v.failed, c.name)
	}
}
