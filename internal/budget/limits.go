package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jamesTait-jt/goflow/internal/figures"
	"github.com/jamesTait-jt/goflow/internal/localcost"
)

// The scenarios, as they are printed.
const (
	saturatedPool = "saturated pool"
	naive         = "naive implementation"
	noResult      = "no result"
	once          = "effectively once"
	largeResult   = "result of 1 KiB"
	lambdaInTens  = "lambda in tens"
	localMode     = "local mode"
	idleWorker    = "idle worker"
	storage       = "storage"
)

// The figures that have limits.
const (
	calls     = "calls"               // a task
	dollars   = "dollars_per_million" // tasks, by requests
	allocs    = "allocs"              // a task
	opened    = "connections"         // that were opened, whatever number of calls
	speed     = "times_as_fast"       // as the naive implementation, in tasks a second
	fewer     = "times_fewer_calls"
	byHand    = "times_by_hand" // in processor time
	receives  = "receives"      // in a minute
	answered  = "receives_answered"
	shared    = "allocs_with_what_many_tasks_share"
	others    = "other_calls"  // in a minute
	processor = "processor_ms" // in a minute
)

// limits are those that CI holds. The prices are those of adapters/cost.
func limits() []figures.Limit {
	return []figures.Limit{
		figures.AtMost(saturatedPool, calls, 0.38),
		figures.AtMost(saturatedPool, dollars, 0.84),
		figures.AtMost(saturatedPool, opened, 2*slots),
		figures.AtLeast(saturatedPool, speed, 4),
		figures.AtLeast(saturatedPool, fewer, 15),
		figures.AtMost(noResult, calls, 0.32),
		figures.AtMost(noResult, dollars, 0.15),
		figures.AtMost(once, calls, 0.45),
		figures.AtMost(once, dollars, 1.50),
		figures.AtMost(largeResult, dollars, 1.50),
		figures.AtMost(lambdaInTens, calls, 0.45),
		figures.AtMost(lambdaInTens, dollars, 0.90), // without Lambda's own price
		figures.AtMost(localMode, byHand, localcost.MaxRatio),
		figures.AtMost(localMode, allocs, localcost.MaxAllocs),
		figures.AtMost(localMode, shared, 2.3),
		figures.AtMost(idleWorker, receives, 3),
		figures.AtLeast(idleWorker, answered, 2),
		figures.AtMost(idleWorker, others, 0),
		figures.AtMost(idleWorker, processor, 20),
	}
}

// report prints all figures, a line for each scenario, and returns what is wrong.
func report(out io.Writer, all figures.List, limits []figures.Limit) error {
	var summary strings.Builder
	for _, name := range []string{calls, dollars, allocs} {
		if value, ok := all.Of(saturatedPool, name); ok {
			fmt.Fprintf(&summary, " %s=%.4g", name, value)
		}
	}
	if value, ok := all.Of(localMode, byHand); ok {
		fmt.Fprintf(&summary, " local=%.3g", value)
	}
	_, err := fmt.Fprintf(out, "%s\ncost:%s\n", all.Lines(limits), summary.String())
	return errors.Join(all.Judge(limits), err)
}
