package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

// sameSeeds is how many seeds have to give the same histories.
const sameSeeds = "200"

// way is one of running the same seeds.
type way struct {
	name, binary string
	env          []string
	digest       string
	err          error
}

// sameHistories runs some seeds twice in each of three ways: as always, with one
// processor, and with the race detector. All of it has to give the same histories.
func sameHistories(ctx context.Context, folder, binary string) error {
	raced := filepath.Join(folder, "simulation-race.test")
	if err := build(ctx, raced, "-race"); err != nil {
		return err
	}
	ways := []*way{
		{name: "as always", binary: binary},
		{name: "with GOMAXPROCS=1", binary: binary, env: []string{"GOMAXPROCS=1"}},
		{name: "with -race", binary: raced},
	}
	var running sync.WaitGroup
	for _, w := range ways {
		running.Go(func() {
			for range 3 {
				if w.digest, w.err = histories(ctx, w.binary, w.env); !errors.Is(w.err, errDetector) {
					return
				}
			}
		})
	}
	running.Wait()
	for _, w := range ways {
		if w.err != nil {
			return fmt.Errorf("histories %s: %w", w.name, w.err)
		}
		fmt.Printf("same seed, same history, %s: %s\n", w.name, w.digest)
		if w.digest != ways[0].digest {
			return fmt.Errorf("the same seeds give other histories %s", w.name)
		}
	}
	return nil
}

// errDetector: the race detector has ended the run by itself, which says
// nothing of what it ran.
var errDetector = errors.New("the race detector failed itself")

// detectorFailed is a check of its own, or a fault outside of Go code: one within is a
// panic.
var detectorFailed = regexp.MustCompile(`ThreadSanitizer: CHECK failed|(?m)^SIGSEGV: segmentation violation\nPC=`)

var digestLine = regexp.MustCompile(`(?m)^histories[^:]*: ([0-9a-f]+)$`)

// histories runs the tests that compare histories, and returns their digests.
func histories(ctx context.Context, binary string, env []string) (string, error) {
	command := exec.CommandContext(ctx, binary, "-test.run=^TestSameSeedSameHistory", "-test.v", "-same="+sameSeeds)
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	if detectorFailed.Match(out) {
		return "", errDetector
	}
	if err != nil {
		fmt.Fprint(os.Stderr, string(bytes.TrimSpace(out)), "\n")
		return "", err
	}
	found := digestLine.FindAllSubmatch(out, -1)
	if len(found) != 2 {
		return "", fmt.Errorf("it printed %d digests and not two: %.200q", len(found), out)
	}
	return fmt.Sprintf("%.12s, over the SDK %.12s", found[0][1], found[1][1]), nil
}
