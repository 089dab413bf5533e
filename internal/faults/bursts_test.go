package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/faults"
)

func TestBurstsComeAndGo(t *testing.T) {
	t.Parallel()
	var times []time.Duration
	for s := range 1000 {
		times = append(times, time.Duration(s)*100*time.Millisecond)
	}
	b := faults.Bursts{Every: 6 * time.Second, For: 2 * time.Second}
	kinds := faults.BurstsAt(b, 1, times)
	failing, changes, seen := 0, 0, map[faults.Kind]bool{}
	for i, kind := range kinds {
		if kind != faults.None {
			failing++
			seen[kind] = true
		}
		if i > 0 && (kind == faults.None) != (kinds[i-1] == faults.None) {
			changes++
		}
	}
	require.Equal(t, faults.None, kinds[0])
	require.InDelta(t, 250, failing, 100, "a quarter of the time")
	require.InDelta(t, 25, changes, 10, "a burst in eight seconds")
	require.Greater(t, len(seen), 2)
	require.Equal(t, kinds, faults.BurstsAt(b, 1, times))
	require.NotEqual(t, kinds, faults.BurstsAt(b, 2, times))
	for _, kind := range faults.BurstsAt(faults.Bursts{}, 1, times) {
		require.Equal(t, faults.None, kind)
	}
}
