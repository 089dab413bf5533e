package simulation

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
)

// What a seed has to have to count.
const (
	fewestTasks   = 20
	fewestWorkers = 3
	fewestFaults  = 5
)

// Report is what many simulations came to.
type Report struct {
	Seeds, Counted, Executions, Events int // Counted are seeds with enough tasks, workers and faults
	Virtual                            time.Duration
	Faults                             map[cloud.Fault]int
	Situations                         map[string]int
	Judged, Broken                     map[string]int // by invariant
	Totals                             check.Totals
	Failed                             []uint64 // seeds
}

// NewReport returns one of no simulation.
func NewReport() *Report {
	r := &Report{Faults: map[cloud.Fault]int{}, Situations: map[string]int{}, Judged: map[string]int{}, Broken: map[string]int{}}
	for _, f := range cloud.Faults() {
		r.Faults[f] = 0
	}
	for _, name := range check.Situations() {
		r.Situations[name] = 0
	}
	return r
}

// Add adds a simulation.
func (r *Report) Add(o *Outcome) {
	one := NewReport()
	one.Seeds, one.Executions, one.Events, one.Virtual = 1, o.Runs, len(o.Events), o.Virtual
	one.Faults, one.Situations, one.Judged, one.Totals = o.Faults, o.Rare, o.Judged, o.Totals
	faults := 0
	for _, n := range o.Faults {
		faults += n
	}
	if o.Tasks >= fewestTasks && o.Config.Workers >= fewestWorkers && faults >= fewestFaults {
		one.Counted = 1
	}
	for _, v := range o.Violations {
		one.Broken[v.Invariant]++
	}
	if len(o.Violations) > 0 {
		one.Failed = []uint64{o.Config.Seed}
	}
	r.Merge(one)
}

// Merge adds another report.
func (r *Report) Merge(other *Report) {
	r.Seeds, r.Counted, r.Executions, r.Events = r.Seeds+other.Seeds, r.Counted+other.Counted, r.Executions+other.Executions, r.Events+other.Events
	r.Virtual += other.Virtual
	r.Failed = append(r.Failed, other.Failed...)
	r.Totals.Add(other.Totals)
	for f, n := range other.Faults {
		r.Faults[f] += n
	}
	for into, from := range map[*map[string]int]map[string]int{
		&r.Situations: other.Situations, &r.Judged: other.Judged, &r.Broken: other.Broken,
	} {
		for name, n := range from {
			(*into)[name] += n
		}
	}
}

// Never are the faults and situations that have not occurred, and the invariants that
// were held against nothing.
func (r *Report) Never() (never []string) {
	for _, f := range slices.Sorted(maps.Keys(r.Faults)) {
		if r.Faults[f] == 0 {
			never = append(never, string(f))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Situations)) {
		if r.Situations[name] == 0 {
			never = append(never, name)
		}
	}
	for _, i := range check.Invariants() {
		if r.Judged[i.Name] == 0 {
			never = append(never, i.Name)
		}
	}
	return never
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer, took time.Duration) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) } // a report that cannot be written is not missed
	say("simulation: seeds=%d (of them %d with at least %d tasks, %d workers and %d faults) executions=%d executions/s=%.0f virtual=%v real=%v",
		r.Seeds, r.Counted, fewestTasks, fewestWorkers, fewestFaults, r.Executions, float64(r.Executions)/took.Seconds(), r.Virtual.Round(time.Second), took.Round(time.Second))
	t := r.Totals
	say("total queue: attempted=%d acknowledged=%d ok=%d lost=%d unexpected=%d duplicated=%d recovered=%d",
		t.Attempted, t.Acknowledged, t.OK, t.Lost, t.Unexpected, t.Duplicated, t.Recovered)
	say("faults injected:")
	for _, f := range slices.Sorted(maps.Keys(r.Faults)) {
		say("  %9d %s", r.Faults[f], f)
	}
	say("situations that have to occur:")
	for _, name := range slices.Sorted(maps.Keys(r.Situations)) {
		say("  %9d %s", r.Situations[name], name)
	}
	for _, i := range check.Invariants() {
		n := r.Judged[i.Name]
		say("%-3s violations=%d bound=3/%d  %s", i.Name, r.Broken[i.Name], n, i.Says)
	}
}
