package rounds

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Entry is a contender and its load.
type Entry struct {
	*Contender
	Load  Load
	Label string // of the load, where a contender has several
}

// Result is an entry's, over all its rounds.
type Result struct {
	Entry
	Median   Sample  // of each figure by itself, without latencies
	P50, P99 float64 // s, of the latencies of all rounds
	Samples  []Sample
	Err      error // of the round that failed, which was its last
}

// Compare runs all entries round by round: A B C, A B C. It tells progress what it
// does.
func Compare(ctx context.Context, entries []Entry, rounds int, progress func(string)) []Result {
	samples := make([][]Sample, len(entries))
	results := make([]Result, len(entries))
	for round := range rounds {
		for i, e := range entries {
			if results[i].Err != nil || ctx.Err() != nil {
				continue
			}
			s, err := e.Measure(ctx, e.Load)
			if err != nil {
				results[i].Err = err
				progress(fmt.Sprintf("%s: FAILED: %v", e.Name, err))
				continue
			}
			samples[i] = append(samples[i], s)
			progress(fmt.Sprintf("round %d of %d: %s %s: %.0f tasks/s; %s", round+1, rounds, e.Name, e.Label, s.Rate, s.Detail))
		}
	}
	for i, e := range entries {
		results[i] = summarize(e, samples[i], cmp.Or(results[i].Err, ctx.Err()))
	}
	return results
}

func summarize(e Entry, samples []Sample, err error) Result {
	r := Result{Entry: e, Samples: samples, Err: err}
	if len(samples) == 0 {
		return r
	}
	of := func(figure func(Sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = figure(s)
		}
		return Median(values)
	}
	r.Median = Sample{
		Calls:       of(func(s Sample) float64 { return s.Calls }),
		Dollars:     of(func(s Sample) float64 { return s.Dollars }),
		Allocations: of(func(s Sample) float64 { return s.Allocations }),
		Processor:   of(func(s Sample) float64 { return s.Processor }),
		Rate:        of(func(s Sample) float64 { return s.Rate }),
	}
	var latencies []float64
	for _, s := range samples {
		latencies = append(latencies, s.Latencies...)
	}
	r.P50, r.P99 = Percentile(latencies, 50), Percentile(latencies, 99)
	return r
}

// Median is the middle value, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Percentile is the smallest value that p percent of all are not above: one that
// was measured, by the nearest rank. -1 of none.
func Percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return -1
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}
