//go:build !race

package localcost_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localcost"
)

// The result is the figure that CI prints and limits.
func TestLocalModeCostsLittleMoreThanByHand(t *testing.T) { //nolint:paralleltest // it counts what all of the process do
	ratio, allocs, err := localcost.Measure()
	require.NoError(t, err)
	t.Logf("local=%.1fx allocs=%.2f", ratio, allocs)
	require.Less(t, ratio, localcost.MaxRatio, "of the processor time by hand")
	require.Less(t, allocs, localcost.MaxAllocs+1, "allocations, those of growing tables included")
}

func TestTaskOfLocalModeIsTwoAllocations(t *testing.T) { //nolint:paralleltest // others' would be counted
	one, end := localcost.One(t)
	defer end()
	require.LessOrEqual(t, testing.AllocsPerRun(10_000, one), localcost.MaxAllocs, "to push a task, run it and read its result")
}

func BenchmarkLocalMode(b *testing.B) {
	b.ReportAllocs()
	localcost.LocalMode(b, b.N)
}

func BenchmarkByHand(b *testing.B) {
	b.ReportAllocs()
	localcost.ByHand(b, b.N)
}
