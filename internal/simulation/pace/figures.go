package pace

import (
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

// The scenarios.
const (
	consuming = "consume"   // one process, a queue that is full
	pushing   = "push"      // one process, many callers of one task each
	saturated = "saturated" // push, then run, then read each result once
	oneByOne  = "one at a time"
	lowLoad   = "10 a second"
	highLoad  = "1000 a second"
	idle      = "idle for an hour"
)

// Limits are those of a scenario that CI holds; "": of all. What a step adds is what is
// beyond the call that it needs, whose tail is in no limit.
func Limits(scenario string) []figures.Limit {
	return slices.DeleteFunc(limits(), func(l figures.Limit) bool { return scenario != "" && l.Scenario != scenario })
}

func limits() []figures.Limit {
	return []figures.Limit{
		figures.AtLeast(consuming, "tasks/s", 11_000),
		figures.AtMost(consuming, "calls per task", 0.25), // two tenths and a 25th
		figures.AtLeast(pushing, "fill of send", 9.5),
		figures.AtMost(saturated, "calls per task", 0.38),
		figures.AtLeast(saturated, "fill of send", 9.5),
		figures.AtLeast(saturated, "fill of receive", 9.5),
		figures.AtLeast(saturated, "fill of delete", 9.5),
		figures.AtLeast(saturated, "fill of write", 20),
		figures.AtLeast(saturated, "fill of read", 95),
		figures.AtMost(oneByOne, "added to push, ms", coreSteps),
		figures.AtMost(oneByOne, "added to start, ms", coreSteps),
		figures.AtMost(oneByOne, "added to store, ms", coreSteps),
		figures.AtMost(oneByOne, "delete after store, ms", coreSteps),
		figures.AtMost(oneByOne, "calls of send", 1),
		figures.AtMost(oneByOne, "calls of write", 1),
		figures.AtMost(oneByOne, "calls of delete", 1),
		figures.AtMost(highLoad, "calls per task", 0.5),
		figures.AtMost(highLoad, "push p50, ms", 20),
		figures.AtMost(highLoad, "push to start p50, ms", 40),
		figures.AtMost(idle, "receives", 180),
		figures.AtMost(idle, "receives at a time", 1),
		figures.AtLeast(idle, "empty receives", 178),
		figures.AtMost(idle, "other calls", 0),
	}
}

// coreSteps, in milliseconds, are the nanoseconds by which the core keeps goroutines
// apart.
const coreSteps = 1e-4

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentiles adds the median and the 99th percentile of latencies.
func percentiles(l *figures.List, scenario, name string, all []time.Duration) {
	sorted := slices.Sorted(slices.Values(all))
	l.Add(scenario, name+" p50, ms", ms(sorted[len(sorted)/2]))
	l.Add(scenario, name+" p99, ms", ms(sorted[len(sorted)*99/100]))
}

// fills adds how many items a call of each kind was about, of those that were about any.
func fills(l *figures.List, scenario string, programs ...*program) {
	for _, o := range []op{send, receive, extend, remove, write, read} {
		calls, items := 0, 0
		for _, p := range programs {
			for _, c := range p.calls.of(o) {
				if c.items > 0 {
					calls, items = calls+1, items+c.items
				}
			}
		}
		if calls > 0 {
			l.Add(scenario, "fill of "+string(o), float64(items)/float64(calls))
		}
	}
}

// perTask is how many calls programs made for each of n tasks.
func perTask(n int, programs ...*program) float64 {
	calls := 0
	for _, p := range programs {
		calls += len(p.calls.made())
	}
	return float64(calls) / float64(n)
}
