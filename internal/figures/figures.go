// Package figures holds what was measured against what it may be.
package figures

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Figure is something that was measured.
type Figure struct {
	Scenario, Name string
	Value          float64
}

// List is the figures of a run, those of a scenario one after the other.
type List []Figure

// Add adds a figure.
func (l *List) Add(scenario, name string, value float64) {
	*l = append(*l, Figure{Scenario: scenario, Name: name, Value: value})
}

// Limit is what a figure may be.
type Limit struct {
	Scenario, Name string
	value          float64
	least          bool
}

// AtMost is the limit of a figure that has to be small.
func AtMost(scenario, name string, value float64) Limit {
	return Limit{Scenario: scenario, Name: name, value: value}
}

// AtLeast is the limit of a figure that has to be large.
func AtLeast(scenario, name string, value float64) Limit {
	return Limit{Scenario: scenario, Name: name, value: value, least: true}
}

// Of returns a figure.
func (l *List) Of(scenario, name string) (value float64, measured bool) {
	for _, f := range *l {
		if f.Scenario == scenario && f.Name == name {
			return f.Value, true
		}
	}
	return 0, false
}

// Judge returns which figures are beyond their limits, or were not measured. One
// that is no number is beyond any.
func (l *List) Judge(limits []Limit) error {
	var errs []error
	for _, limit := range limits {
		value, ok := l.Of(limit.Scenario, limit.Name)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: %s was not measured", limit.Scenario, limit.Name))
		case !limit.Holds(value):
			errs = append(errs, fmt.Errorf("%s: %s is %s, and the limit is %v", limit.Scenario, limit.Name, number(value), limit))
		}
	}
	return errors.Join(errs...)
}

// Holds tells whether a figure is within its limit.
func (l Limit) Holds(value float64) bool {
	if l.least {
		return value >= l.value
	}
	return value <= l.value
}

// String says what the figure may be.
func (l Limit) String() string {
	if l.least {
		return "≥ " + number(l.value)
	}
	return "≤ " + number(l.value)
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', 5, 64) }

// Lines are a line for each scenario.
func (l *List) Lines(limits []Limit) string {
	var b strings.Builder
	for i, f := range *l {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "%-20s", f.Scenario)
		case f.Scenario != (*l)[i-1].Scenario:
			fmt.Fprintf(&b, "\n%-20s", f.Scenario)
		}
		b.WriteString(" " + f.Name + "=" + number(f.Value))
		if limit := of(limits, f); limit != "" {
			b.WriteString(" (" + limit + ")")
		}
	}
	return b.String()
}

// Markdown is a table, a row for each figure.
func (l *List) Markdown(limits []Limit) string {
	var b strings.Builder
	b.WriteString("| scenario | figure | value | limit |\n|---|---|---:|---|\n")
	for i, f := range *l {
		scenario := f.Scenario
		if i > 0 && (*l)[i-1].Scenario == scenario {
			scenario = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", scenario, f.Name, number(f.Value), of(limits, f))
	}
	return b.String()
}

// of is the limit of a figure; "": it has none.
func of(limits []Limit, f Figure) string {
	for _, limit := range limits {
		if limit.Scenario == f.Scenario && limit.Name == f.Name {
			return limit.String()
		}
	}
	return ""
}
