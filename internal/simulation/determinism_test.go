package simulation_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

func TestSameSeedSameHistory(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	bad := 0
	for seed := range uint64(n) {
		var first []string
		for again := range 2 {
			t.Run(fmt.Sprintf("%d-%d", seed, again), func(t *testing.T) {
				o := simulation.Run(t, simulation.Config{Seed: seed})
				var lines []string
				for _, e := range o.Events {
					lines = append(lines, e.String())
				}
				if again == 0 {
					first = lines
					return
				}
				for i := range min(len(first), len(lines)) {
					if first[i] != lines[i] {
						bad++
						for j := max(0, i-3); j < min(i+4, len(lines), len(first)); j++ {
							fmt.Println("A", first[j])
							fmt.Println("B", lines[j])
						}
						fmt.Println("seed", seed, "differs at", i)
						return
					}
				}
				require.Len(t, lines, len(first))
			})
		}
	}
	fmt.Println("bad", bad)
}
