package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

// TestEachLimitIsJudged has one figure after the other just beyond its limit.
func TestEachLimitIsJudged(t *testing.T) {
	t.Parallel()
	var within figures.List
	for _, l := range limits() {
		within.Add(l.Scenario, l.Name, just(l))
	}
	require.NoError(t, report(&bytes.Buffer{}, within, limits()))
	for i, l := range limits() {
		beyond := append(figures.List{}, within...)
		beyond[i].Value += 0.01
		if l.Holds(beyond[i].Value) {
			beyond[i].Value -= 0.02
		}
		err := report(&bytes.Buffer{}, beyond, limits())
		require.ErrorContains(t, err, l.Scenario+": "+l.Name+" is ")
		require.NotContains(t, err.Error(), "\n", "the others are within theirs")
	}
}

// just is what just holds a limit, as it says itself.
func just(l figures.Limit) (value float64) {
	_, _ = fmt.Sscanf(l.String()[len("≤ "):], "%g", &value)
	return value
}

func TestLastLineIsForMachines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var all figures.List
	all.Add(saturatedPool, calls, 0.3612)
	all.Add(saturatedPool, dollars, 0.8249)
	all.Add(saturatedPool, allocs, 188.2)
	all.Add(once, calls, 0.4)
	require.NoError(t, report(&out, all, nil))
	require.Regexp(t, `\ncost: calls=0\.3612 dollars_per_million=0\.8249 allocs=188\.2\n$`, out.String())
}
