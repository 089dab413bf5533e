package rounds_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/bench/internal/child"
	"github.com/jamesTait-jt/goflow/bench/internal/count"
	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

// TestMain is the process of a contender where one is asked for.
func TestMain(m *testing.M) {
	name := os.Getenv("BENCH_TEST_CONTENDER")
	if name == "" {
		os.Exit(m.Run())
	}
	if err := child.Serve(context.Background(), name, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// meter counts four calls and eight dollars each time that it is read.
type meter struct {
	count.Nobody
	reads *float64
}

func (m meter) Read(context.Context) (count.Reading, error) {
	*m.reads++
	return count.Reading{Calls: 4 * *m.reads, Dollars: 8 * *m.reads}, nil
}

func entry(name string, m count.Meter) rounds.Entry {
	return rounds.Entry{
		Contender: &rounds.Contender{
			Name: name, Command: []string{os.Args[0]}, Environment: []string{"BENCH_TEST_CONTENDER=" + name}, Meter: m,
		},
		Load: rounds.Load{Tasks: 200, Bytes: 10, Handlers: 3, Warm: 10, LowTasks: 7},
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()

	var lines []string
	results := rounds.Compare(t.Context(), []rounds.Entry{
		entry("channel, workers", meter{reads: new(float64)}), entry("nobody", count.Nobody{}), entry("ants", count.Nobody{}),
	}, 2, func(line string) { lines = append(lines, line) })

	require.Len(t, lines, 5)
	for i, want := range []string{"1 of 2: channel", "nobody: FAILED", "1 of 2: ants", "2 of 2: channel", "2 of 2: ants"} {
		require.Contains(t, lines[i], want)
	}
	require.ErrorContains(t, results[1].Err, `no contender is called "nobody"`)
	for _, i := range []int{0, 2} {
		r := results[i]
		require.NoError(t, r.Err)
		require.Len(t, r.Samples, 2)
		require.Len(t, r.Samples[0].Latencies, 7)
		require.Positive(t, r.P50)
		require.GreaterOrEqual(t, r.P99, r.P50)
		require.Positive(t, r.Median.Rate)
		require.GreaterOrEqual(t, r.Median.Allocations, 1.0)
		require.Less(t, r.Median.Allocations, 20.0)
	}
	require.InDelta(t, 4.0/200, results[0].Median.Calls, 1e-9)
	require.InDelta(t, 8.0/200, results[0].Median.Dollars, 1e-9)
	require.Negative(t, results[2].Median.Calls)
}

func TestMedian(t *testing.T) {
	t.Parallel()

	require.Zero(t, rounds.Median(nil))
	require.InDelta(t, 3, rounds.Median([]float64{9, 3, 1}), 0)
	require.InDelta(t, 2, rounds.Median([]float64{9, 3, 1, 0}), 0)
}

func TestPercentile(t *testing.T) {
	t.Parallel()

	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	require.InDelta(t, 50, rounds.Percentile(hundred, 50), 0)
	require.InDelta(t, 99, rounds.Percentile(hundred, 99), 0)
	require.InDelta(t, 100, rounds.Percentile(hundred, 100), 0)
	require.InDelta(t, 4, rounds.Percentile([]float64{4, 2}, 99), 0)
	require.InDelta(t, 2, rounds.Percentile([]float64{4, 2}, 50), 0)
	require.Negative(t, rounds.Percentile(nil, 50))
	require.InDelta(t, 100, hundred[0], 0, "it sorts a copy")
}
