package simulation_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
)

// TestShrink leaves what a violation needs, and nothing else: two errands out of
// forty, and two faults. Other violations do not count.
func TestShrink(t *testing.T) {
	t.Parallel()
	needs := func(c *simulation.Config, errands []int, faults ...cloud.Fault) bool {
		return !slices.ContainsFunc(errands, func(n int) bool { return c.WithoutErrands[n] }) &&
			!slices.ContainsFunc(faults, func(f cloud.Fault) bool { return slices.Contains(c.WithoutFaults, f) })
	}
	runs := 0
	run := func(c simulation.Config) *simulation.Outcome {
		runs++
		c.Errands = 40 // as its seed says
		o := &simulation.Outcome{Config: c}
		if needs(&c, []int{3, 29}, cloud.Refused, cloud.Ghost) {
			o.Violations = append(o.Violations, check.Violation{Invariant: "I1", Text: "it is lost"})
		}
		if !needs(&c, []int{3}, cloud.Ghost) {
			o.Violations = append(o.Violations, check.Violation{Invariant: "I2", Text: "another, that only comes without"})
		}
		return o
	}
	first := run(simulation.Config{Seed: 9})
	got := simulation.ShrinkBy(first, run)
	require.Equal(t, "I1", got.Violations[0].Invariant)
	var left []int
	for n := range got.Config.Errands {
		if !got.Config.WithoutErrands[n] {
			left = append(left, n)
		}
	}
	require.Equal(t, []int{3, 29}, left)
	faults := slices.DeleteFunc(cloud.Faults(), func(f cloud.Fault) bool { return slices.Contains(got.Config.WithoutFaults, f) })
	require.Equal(t, []cloud.Fault{cloud.Refused, cloud.Ghost}, faults)
	require.Empty(t, first.Config.WithoutErrands, "the first is as it was")
	require.Less(t, runs, 120)
}

// TestCommand names all that a replay has to know.
func TestCommand(t *testing.T) {
	t.Parallel()
	c := simulation.Config{Seed: 9}
	const plain = "go test ./internal/simulation -run '^TestReplay$' -v -args -seed=9"
	require.Equal(t, plain, c.Command())
	c.WithoutErrands = map[int]bool{12: true, 3: true}
	c.WithoutFaults = []cloud.Fault{cloud.LostAnswer, cloud.Ghost}
	require.Equal(t, plain+` -without-errands=3,12 -without-faults="lost answer,ghost"`, c.Command())
}
