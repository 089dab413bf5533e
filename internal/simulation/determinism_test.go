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
// so that .ci/prove can compare it with that under -race and with one processor.
func TestSameSeedSameHistory(t *testing.T) {
	all := sha256.New()
	for seed := range uint64(200) {
		first, again := lines(t, seed), lines(t, seed)
		require.GreaterOrEqual(t, len(first), fewestEvents, "events of seed %d", seed)
		for i := range min(len(first), len(again)) {
			require.Equal(t, first[i], again[i], "event %d of seed %d", i, seed)
		}
		require.Len(t, again, len(first), "events of seed %d", seed)
		_, _ = all.Write([]byte(strings.Join(first, "\n"))) // never fails
	}
	_, _ = fmt.Fprintf(os.Stdout, "histories: %x\n", all.Sum(nil)) // what is missing is noticed by who compares
}

func lines(t *testing.T, seed uint64) (all []string) {
	t.Helper()
	o := simulation.Run(t, simulation.Config{Seed: seed})
	for i := range o.Events {
		all = append(all, o.Events[i].String())
	}
	return all
}
