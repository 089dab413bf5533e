// Command prove runs the simulation for a while, on every processor, and says what
// came of it: one line for each promise. It fails when one was broken, when a
// situation that has to occur never did, or when a seed does not always give the same
// history. `make prove` runs it with all else that proves GoFlow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// sdkShare is by how much shorter the simulation over the SDK's real clients is.
const sdkShare = 4

// options are what the command is told.
type options struct {
	budget time.Duration
	seed   uint64
	seeds  int
	same   bool
}

func main() {
	var o options
	flag.DurationVar(&o.budget, "budget", time.Minute, "how `long` to simulate")
	flag.Uint64Var(&o.seed, "seed", uint64(rand.Uint32()), "the `number` to begin at; by default another each time") //nolint:gosec // it guards nothing
	flag.IntVar(&o.seeds, "seeds", 5000, "the least `number` of seeds; for three times the budget at most")
	flag.BoolVar(&o.same, "same", true, "whether to check that seeds give the same history, whatever runs them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prove(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1) //nolint:gocritic // the signals need no goodbye
	}
}

func prove(ctx context.Context, o options) error {
	folder, err := os.MkdirTemp("", "goflow-prove-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is the system's temporary folder
	binary := filepath.Join(folder, "simulation.test")
	if err := build(ctx, binary); err != nil {
		return err
	}
	if o.same {
		if err := sameHistories(ctx, folder, binary); err != nil {
			return err
		}
	}
	s := shards{folder: folder, binary: binary, options: o, count: runtime.GOMAXPROCS(0), test: "TestSeeds"}
	total, err := s.run(ctx)
	if err == nil {
		err = s.judge(total)
	}
	s.test, s.budget, s.seeds = "TestSeedsOverTheSDK", o.budget/sdkShare, o.seeds/sdkShare
	fmt.Println("over the SDK's real clients:")
	_, sdkErr := s.run(ctx)
	return errors.Join(err, sdkErr)
}
