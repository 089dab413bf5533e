package simulation_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

func TestOne(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	first, _ := strconv.Atoi(os.Getenv("SEED"))
	for seed := first; seed < first+max(n, 1); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := simulation.Run(t, simulation.Config{Seed: uint64(seed)})
			fmt.Println(seed, len(o.Events), o.Runs, o.Virtual, len(o.Violations))
			for _, v := range o.Violations {
				fmt.Println("   ", v)
			}
			if n <= 1 {
				for _, e := range o.Events {
					fmt.Println(e.String())
				}
			}
		})
	}
}
