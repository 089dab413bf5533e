package simulation_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
)

// What the tests are told after -args.
var (
	seed           = flag.Uint64("seed", 1, "the `number` of the first simulation")
	stride         = flag.Uint64("stride", 1, "the `difference` between a seed and the next")
	leastSeeds     = flag.Int("seeds", 60, "the least `number` of seeds that count; for three times the budget at most")
	sameSeeds      = flag.Uint64("same", 20, "the `number` of seeds whose history has to be the same again")
	budget         = flag.Duration("budget", 0, "for how `long` to simulate; 0: until there are as many seeds as -seeds says")
	shrink         = flag.Bool("shrink", true, "make a history that breaks a promise shorter")
	reportFile     = flag.String("report", "", "the `file` to write the report to, as JSON")
	withoutErrands = flag.String("without-errands", "", "`numbers` of errands to leave out")
	withoutFaults  = flag.String("without-faults", "", "`names` of faults to leave out")
)

// TestSeeds is the simulation. It stops at the first seed that breaks a promise.
func TestSeeds(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	simulate(t, simulation.Config{}, *leastSeeds/raceShare)
}

// simulate runs seed after seed, and reports.
func simulate(t *testing.T, c simulation.Config, least int) {
	t.Helper()
	report := simulation.NewReport()
	began := time.Now()
	goOn := func() bool {
		took := time.Since(began)
		return took < *budget || report.Counted < least && (*budget == 0 || took < 3**budget)
	}
	for c.Seed = *seed; goOn(); c.Seed += *stride {
		if !t.Run(strconv.FormatUint(c.Seed, 10), func(t *testing.T) { one(t, c, report) }) {
			break
		}
	}
	report.Print(t.Output(), time.Since(began))
	if *reportFile == "" {
		return
	}
	data, err := json.Marshal(report) //nolint:musttag // it is read by the same program
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*reportFile, data, 0o600))
}

// one simulates a seed; one that fails is made as short as it can be.
func one(t *testing.T, c simulation.Config, report *simulation.Report) {
	t.Helper()
	o := simulation.Run(t, c)
	report.Add(o)
	if len(o.Violations) == 0 {
		return
	}
	if *shrink {
		o = simulation.Shrink(t, o)
	}
	tell(t, o)
	t.Fail()
}

func tell(t *testing.T, o *simulation.Outcome) {
	t.Helper()
	for i := range o.Events {
		_, _ = fmt.Fprintln(t.Output(), o.Events[i].String()) // it is for people
	}
	for _, v := range o.Violations {
		t.Logf("%s is broken: %s", v.Invariant, v.Text)
	}
	t.Logf("again: %s", o.Config.Command())
}

// TestReplay is one simulation with all its history.
func TestReplay(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	c := simulation.Config{Seed: *seed, WithoutErrands: map[int]bool{}, Wire: *overWire}
	for _, n := range strings.FieldsFunc(*withoutErrands, func(r rune) bool { return r == ',' }) {
		number, err := strconv.Atoi(n)
		require.NoError(t, err)
		c.WithoutErrands[number] = true
	}
	for _, name := range strings.FieldsFunc(*withoutFaults, func(r rune) bool { return r == ',' }) {
		c.WithoutFaults = append(c.WithoutFaults, cloud.Fault(name))
	}
	o := simulation.Run(t, c)
	tell(t, o)
	require.Empty(t, o.Violations)
}
