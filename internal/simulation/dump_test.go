package simulation_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

func TestDump(t *testing.T) {
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	for i := range 6 {
		t.Run("x", func(t *testing.T) {
			o := simulation.Run(t, simulation.Config{Seed: uint64(seed)})
			f, _ := os.Create(fmt.Sprintf("/tmp/w/dump%d.txt", i))
			for _, e := range o.Events {
				fmt.Fprintln(f, e.String())
			}
			f.Close()
			fmt.Printf("%+v\n", o.Config)
		})
	}
}
