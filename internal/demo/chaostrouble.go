package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

func (o options) checkTrouble() error {
	switch {
	case (o.tasks != defaultTasks || o.faults || o.frozen) && !o.chaos:
		return errors.New("-tasks, -faults, -frozen: they are of -chaos: give that, too")
	case o.faults && o.frozen:
		return errors.New("-faults, -frozen: each has emulators of its own: give one of the two")
	case o.tasks < leastTasks || o.tasks > mostTasks:
		return fmt.Errorf("-tasks %d: give %d to %d", o.tasks, leastTasks, mostTasks)
	}
	return nil
}

// trouble is what the chaos demo does to what its programs work with.
type trouble interface {
	// make makes trouble until calm ends, then ends what it does. ctx ends all of it.
	make(ctx, calm context.Context) error
	// report says what was done.
	report()
	// end ends what was started for it.
	end()
}

// seekTrouble starts what the flags ask for. This process and its children live
// with it from then on.
func (s *storm) seekTrouble(ctx context.Context, o options) (err error) {
	switch {
	case o.faults:
		s.time = max(leastStorm, time.Duration(o.tasks)*stormPerTask)
		// After an outage, many a task has left no trace of a receive, and each worker runs one such at a time.
		s.size = size{producers: 4, workers: 8}
		var sky *sky
		if sky, err = newSky(ctx, s.demo, s.seed); err == nil {
			s.trouble = sky
		}
	case o.frozen:
		s.time = 0 // nobody is killed: what the frost alone does can be seen
		script := os.Getenv(freezeVariable)
		if script == "" {
			return fmt.Errorf("-frozen: %s is missing: eval what localstack/up prints", freezeVariable)
		}
		s.trouble = &frost{demo: s.demo, script: script}
	}
	return err
}

func (s *storm) makeTrouble(ctx, calm context.Context) error {
	if s.trouble == nil {
		return nil
	}
	return s.trouble.make(ctx, calm)
}

func (s *storm) reportTrouble() {
	if s.trouble != nil {
		s.trouble.report()
	}
}

func (s *storm) endTrouble() {
	if s.trouble != nil {
		s.trouble.end()
	}
}

// again is the command that repeats a storm.
func (o options) again(seed uint64) string {
	switch {
	case o.faults:
		return fmt.Sprintf("make faults TASKS=%d SEED=%d", o.tasks, seed)
	case o.frozen:
		return fmt.Sprintf("make frozen SEED=%d", seed)
	}
	return fmt.Sprintf("make demo CHAOS=1 SEED=%d", seed)
}

// freezeVariable names localstack/freeze.
const freezeVariable = "GOFLOW_DEMO_FREEZE"

// When LocalStack is frozen, and how long.
const (
	thawed = 4 * time.Second
	frozen = "30" // s
)

// frost stops LocalStack in the middle.
type frost struct {
	demo   *demo
	script string
	done   bool
}

func (f *frost) make(ctx, _ context.Context) error {
	pause(ctx, thawed)
	f.demo.say("LocalStack is frozen for %s s", frozen)
	if err := script(ctx, f.script, frozen); err != nil {
		return err
	}
	f.done = true
	f.demo.say("LocalStack goes on")
	return nil
}

func (f *frost) report() { f.demo.say("LocalStack was frozen for %s s: %v", frozen, f.done) }
func (f *frost) end()    {}

// script runs one of localstack's. If ctx ends, it is asked to end.
func script(ctx context.Context, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // what localstack's scripts named
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%s: %w: %s", path, err, out))
	}
	return nil
}
