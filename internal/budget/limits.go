package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The scenarios, as they are printed.
const (
	saturatedPool = "saturated pool"
	naive         = "naive implementation"
	noResult      = "no result"
	once          = "effectively once"
	largeResult   = "result of 1 KiB"
	lambdaInTens  = "lambda in tens"
	idleWorker    = "idle worker"
)

// The figures that have limits.
const (
	calls       = "calls"               // a task
	dollars     = "dollars_per_million" // tasks, by requests
	allocs      = "allocs"              // a task
	connections = "connections"         // new ones, of 10,000 calls
	speed       = "times_as_fast"       // as the naive implementation, in tasks a second
	fewer       = "times_fewer_calls"
	receives    = "receives"     // in a minute
	others      = "other_calls"  // in a minute
	processor   = "processor_ms" // in a minute
)

// limit is what a figure may be.
type limit struct {
	scenario, figure string
	most             float64 // 0: least counts
	least            float64
}

// limits are those that CI holds. The prices are those of adapters/cost.
func limits() []limit {
	return []limit{
		{saturatedPool, calls, 0.38, 0},
		{saturatedPool, dollars, 0.84, 0},
		{saturatedPool, connections, 300, 0},
		{saturatedPool, speed, 0, 4},
		{saturatedPool, fewer, 0, 15},
		{noResult, calls, 0.32, 0},
		{once, calls, 0.45, 0},
		{once, dollars, 1.50, 0},
		{largeResult, dollars, 1.50, 0},
		{lambdaInTens, calls, 0.45, 0},
		{idleWorker, receives, 3, 0},
		{idleWorker, others, 0, 0},
		{idleWorker, processor, 20, 0},
	}
}

// figure is one that was measured.
type figure struct {
	scenario, name string
	value          float64
}

type figures []figure

func (all figures) of(scenario, name string) (float64, bool) {
	for _, f := range all {
		if f.scenario == scenario && f.name == name {
			return f.value, true
		}
	}
	return 0, false
}

// judge returns what is beyond its limit, or was not measured.
func (all figures) judge(limits []limit) error {
	var errs []error
	for _, l := range limits {
		value, ok := all.of(l.scenario, l.figure)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: %s was not measured", l.scenario, l.figure))
		case !l.holds(value):
			errs = append(errs, fmt.Errorf("%s: %s is %.4g, and the limit is %s", l.scenario, l.figure, value, l.text()))
		}
	}
	return errors.Join(errs...)
}

// holds tells whether a figure is within its limit. A figure that is no number is not.
func (l limit) holds(value float64) bool {
	if l.least > 0 {
		return value >= l.least
	}
	return value <= l.most
}

func (l limit) text() string {
	if l.least > 0 {
		return fmt.Sprintf("≥ %.4g", l.least)
	}
	return fmt.Sprintf("≤ %.4g", l.most)
}

// report prints all figures, a line for each scenario, and returns what is wrong.
func report(out io.Writer, all figures, limits []limit) error {
	var b strings.Builder
	last := ""
	for _, f := range all {
		if f.scenario != last {
			fmt.Fprintf(&b, "\n%-21s", f.scenario)
			last = f.scenario
		}
		fmt.Fprintf(&b, " %s=%.4g", f.name, f.value)
		for _, l := range limits {
			if l.scenario == f.scenario && l.figure == f.name {
				b.WriteString(" (" + l.text() + ")")
			}
		}
	}
	summary := "cost:"
	for _, name := range []string{calls, dollars, allocs} {
		if value, ok := all.of(saturatedPool, name); ok {
			summary += fmt.Sprintf(" %s=%.4g", name, value)
		}
	}
	_, err := fmt.Fprintf(out, "%s\n%s\n", strings.TrimPrefix(b.String(), "\n"), summary)
	return errors.Join(all.judge(limits), err)
}
