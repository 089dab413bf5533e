package report

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/jamesTait-jt/goflow/bench/internal/rounds"
)

const million = 1e6

// Table is a heading and rows of as many cells.
type Table [][]string

// Comparison has a row for each contender.
func Comparison(results []rounds.Result) Table {
	t := Table{{
		"contender", "tasks and results in", "tasks a round", "tasks/s", "calls per task", "$ per million",
		"allocations per task", "processor time per task", "p50", "p99",
	}}
	for _, r := range results {
		if r.Err == nil {
			t = append(t, append([]string{r.Name, r.Where, commas(r.Load.Tasks)}, append(costs(r), duration(r.P50), duration(r.P99))...))
		}
	}
	return t
}

// Growth has a row for each step.
func Growth(step string, results []rounds.Result) Table {
	t := Table{{step, "tasks", "tasks/s", "calls per task", "$ per million", "allocations per task", "processor time per task"}}
	for _, r := range results {
		if r.Err == nil {
			t = append(t, append([]string{r.Label, commas(r.Load.Tasks)}, costs(r)...))
		}
	}
	return t
}

func costs(r rounds.Result) []string {
	dollars := r.Median.Dollars
	if dollars > 0 {
		dollars *= million
	}
	return []string{
		figure(r.Median.Rate), calls(r), figure(dollars), figure(r.Median.Allocations), duration(r.Median.Processor),
	}
}

// calls are said to be what they are, where they are not calls of AWS.
func calls(r rounds.Result) string {
	n := figure(r.Median.Calls)
	switch r.Where {
	case "Redis":
		n += " commands"
	case "PostgreSQL":
		n += " statements"
	}
	return n
}

// Text is the table for a terminal.
func (t Table) Text() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range t {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // to a buffer
	}
	_ = w.Flush()
	return b.String()
}

// Markdown is the table for a document; what is no name is on the right.
func (t Table) Markdown() string {
	var b strings.Builder
	for i, row := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(row)-1) + "\n")
		}
	}
	return b.String()
}

// Ratios are what a contender is to another: medians of the ratios of each round,
// in which both met the same machine.
func Ratios(results []rounds.Result, one, other string) string {
	a, b := find(results, one), find(results, other)
	if a == nil || b == nil || len(a.Samples) != len(b.Samples) {
		return ""
	}
	median := func(of func(rounds.Sample) float64) float64 {
		all := make([]float64, len(a.Samples))
		for i := range all {
			all[i] = of(a.Samples[i]) / of(b.Samples[i])
		}
		return rounds.Median(all)
	}
	words := []string{"tasks/s " + figure(median(func(s rounds.Sample) float64 { return s.Rate })) + " ×"}
	if a.Median.Calls > 0 {
		words = append(words, "calls 1/"+figure(1/median(func(s rounds.Sample) float64 { return s.Calls })))
	}
	words = append(words, "processor time "+figure(median(func(s rounds.Sample) float64 { return s.Processor }))+" ×")
	return fmt.Sprintf("%s to %s, median of the rounds' ratios: %s", one, other, strings.Join(words, ", "))
}

func find(results []rounds.Result, name string) *rounds.Result {
	for i := range results {
		if results[i].Name == name && results[i].Err == nil {
			return &results[i]
		}
	}
	return nil
}
