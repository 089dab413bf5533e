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
	budget         = flag.Duration("budget", 0, "for how `long` to simulate; 0: some seeds")
	seeds          = flag.Uint64("seeds", 60, "how `many` to simulate where there is no budget")
	shrink         = flag.Bool("shrink", true, "make a history that breaks a promise shorter")
	reportFile     = flag.String("report", "", "the `file` to write the report to, as JSON")
	withoutErrands = flag.String("without-errands", "", "`numbers` of errands to leave out")
	withoutFaults  = flag.String("without-faults", "", "`names` of faults to leave out")
)

// TestSeeds is the simulation. It stops at the first seed that breaks a promise.
func TestSeeds(t *testing.T) {
	report := simulation.NewReport()
	began := time.Now()
	for n := uint64(0); *budget == 0 && n < *seeds || time.Since(began) < *budget; n++ {
		c := simulation.Config{Seed: *seed + n**stride}
		if !t.Run(strconv.FormatUint(c.Seed, 10), func(t *testing.T) { one(t, c, report) }) {
			break
		}
	}
	report.Print(t.Output(), time.Since(began))
	if *reportFile == "" {
		return
	}
	data, err := json.Marshal(report)
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
func TestReplay(t *testing.T) {
	c := simulation.Config{Seed: *seed, WithoutErrands: map[int]bool{}}
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
