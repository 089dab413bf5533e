package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
)

// Shrink leaves out of a simulation that breaks an invariant what is not needed for
// that: faults, then errands. What is left is as short a history as it finds.
func Shrink(t *testing.T, o *Outcome) *Outcome {
	t.Helper()
	return shrink(o, func(c Config) *Outcome { return Run(t, c) })
}

func shrink(o *Outcome, run func(Config) *Outcome) *Outcome {
	broken := o.Violations[0].Invariant
	breaks := func(c Config) *Outcome {
		shorter := run(c)
		for _, v := range shorter.Violations {
			if v.Invariant == broken {
				return shorter
			}
		}
		return nil
	}
	for _, f := range cloud.Faults() {
		c := o.Config.without()
		c.WithoutFaults = append(c.WithoutFaults, f)
		if shorter := breaks(c); shorter != nil {
			o = shorter
		}
	}
	for size := o.Config.Errands / 2; size > 0; size /= 2 {
		for first := 0; first < o.Config.Errands; first += size {
			c := o.Config.without()
			for n := first; n < min(first+size, o.Config.Errands); n++ {
				c.WithoutErrands[n] = true
			}
			if len(c.WithoutErrands) == len(o.Config.WithoutErrands) {
				continue
			}
			if shorter := breaks(c); shorter != nil {
				o = shorter
			}
		}
	}
	return o
}

// without is a copy, from which more can be left out.
func (c *Config) without() Config {
	other := *c
	other.WithoutFaults = slices.Clone(c.WithoutFaults)
	other.WithoutErrands = maps.Clone(c.WithoutErrands)
	if other.WithoutErrands == nil {
		other.WithoutErrands = map[int]bool{}
	}
	return other
}

// Command is what replays the simulation.
func (c *Config) Command() string {
	command := fmt.Sprintf("go test ./internal/simulation -run '^TestReplay$' -v -args -seed=%d", c.Seed)
	if c.Wire {
		command += " -wire"
	}
	if len(c.WithoutErrands) > 0 {
		var numbers []string
		for _, n := range slices.Sorted(maps.Keys(c.WithoutErrands)) {
			numbers = append(numbers, strconv.Itoa(n))
		}
		command += " -without-errands=" + strings.Join(numbers, ",")
	}
	if len(c.WithoutFaults) > 0 {
		var names []string
		for _, f := range c.WithoutFaults {
			names = append(names, string(f))
		}
		command += fmt.Sprintf(" -without-faults=%q", strings.Join(names, ","))
	}
	return command
}
