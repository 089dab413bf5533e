package simulation_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

// fewestEvents is what a history has at least: a shorter one would prove nothing.
const fewestEvents = 200

// TestSameSeedSameHistory runs seeds twice. The digest of all histories is printed,
// so that internal/prove can compare it with that under -race and with one processor.
func TestSameSeedSameHistory(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	text := twice(t, simulation.Config{}, *sameSeeds)
	_, _ = fmt.Fprintf(os.Stdout, "histories: %x\n", sha256.Sum256([]byte(text))) // what is missing is noticed by who compares
}

// twice runs seeds twice, and returns their histories.
func twice(t *testing.T, c simulation.Config, seeds uint64) string {
	t.Helper()
	var all []string
	for c.Seed = range seeds {
		first, again := lines(t, c), lines(t, c)
		require.GreaterOrEqual(t, len(first), fewestEvents, "events of seed %d", c.Seed)
		for i := range min(len(first), len(again)) {
			require.Equal(t, first[i], again[i], "event %d of seed %d", i, c.Seed)
		}
		require.Len(t, again, len(first), "events of seed %d", c.Seed)
		all = append(all, first...)
	}
	return strings.Join(all, "\n")
}

func lines(t *testing.T, c simulation.Config) (all []string) {
	t.Helper()
	o := simulation.Run(t, c)
	for i := range o.Events {
		all = append(all, o.Events[i].String())
	}
	return all
}
