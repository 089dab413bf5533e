package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation"
)

// simulationPackage is what is built and run.
const simulationPackage = "./internal/simulation"

// build makes the simulation's test binary.
func build(ctx context.Context, binary string, flags ...string) error {
	args := append([]string{"test", "-c", "-o", binary}, append(flags, simulationPackage)...)
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are ours
	command.Stderr = os.Stderr
	return command.Run()
}

// shards are processes that simulate side by side, each with one processor: all
// chance in the core comes from one source, so a process simulates one seed at a
// time.
type shards struct {
	options

	folder, binary, test string
	count                int
}

// run simulates, and prints what came of it.
func (s *shards) run(ctx context.Context) (*simulation.Report, error) {
	began := time.Now()
	total := simulation.NewReport()
	errs := make([]error, s.count)
	reports := make([]*simulation.Report, s.count)
	var running sync.WaitGroup
	for n := range s.count {
		running.Go(func() { reports[n], errs[n] = s.one(ctx, n) })
	}
	running.Wait()
	for _, r := range reports {
		if r != nil {
			total.Merge(r)
		}
	}
	total.Print(os.Stdout, time.Since(began))
	return total, errors.Join(errs...)
}

// one is one process. Over the SDK the test asks for fewer seeds by itself.
func (s *shards) one(ctx context.Context, n int) (*simulation.Report, error) {
	file := filepath.Join(s.folder, "report"+strconv.Itoa(n))
	command := exec.CommandContext(ctx, s.binary, "-test.run=^"+s.test+"$", "-test.timeout=0", //nolint:gosec // the arguments are ours
		"-seed="+strconv.FormatUint(s.seed+uint64(n), 10), "-stride="+strconv.Itoa(s.count), //nolint:gosec // few processors
		"-budget="+s.budget.String(), "-seeds="+strconv.Itoa((s.seeds+s.count-1)/s.count), "-report="+file)
	command.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	out, err := command.CombinedOutput()
	if err != nil {
		fmt.Fprint(os.Stderr, string(out))
		err = fmt.Errorf("the simulation of seeds from %d on: %w", s.seed+uint64(n), err) //nolint:gosec // few processors
	}
	data, readErr := os.ReadFile(file) //nolint:gosec // a file of ours
	if readErr != nil {
		return nil, errors.Join(err, readErr)
	}
	r := simulation.NewReport()
	return r, errors.Join(err, json.Unmarshal(data, r)) //nolint:musttag // it was written by the same program
}

// judge tells whether the simulations were enough.
func (s *shards) judge(r *simulation.Report) error {
	switch never := r.Never(); {
	case len(r.Failed) > 0:
		return fmt.Errorf("promises were broken by seeds %v", r.Failed)
	case r.Counted < s.seeds:
		return fmt.Errorf("%d seeds that count are fewer than %d: give a larger budget", r.Counted, s.seeds)
	case len(never) > 0:
		return fmt.Errorf("what has to occur never did: %s", strings.Join(never, "; "))
	}
	return nil
}
