package pace

import (
	"testing"
	"time"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

// Scenario is something that is measured.
type Scenario struct {
	Name string
	// Measure does it with so manieth of the tasks. Only one can be measured at a time
	// in a process, since all chance in the core comes from one source.
	Measure func(t *testing.T, share int) figures.List
}

// Scenarios are all there are.
func Scenarios() []Scenario {
	return []Scenario{
		{consuming, func(t *testing.T, share int) figures.List { t.Helper(); return consume(t, 8_000/share) }},
		{pushing, func(t *testing.T, share int) figures.List { t.Helper(); return push(t, 10_000/share) }},
		{saturated, func(t *testing.T, share int) figures.List { t.Helper(); return saturate(t, 10_000/share) }},
		{oneByOne, func(t *testing.T, share int) figures.List { t.Helper(); return oneAtATime(t, 200/share) }},
		{lowLoad, func(t *testing.T, share int) figures.List {
			t.Helper()
			return under(t, lowLoad, 600/share, 100*time.Millisecond)
		}},
		{highLoad, func(t *testing.T, share int) figures.List {
			t.Helper()
			return under(t, highLoad, 5_000/share, time.Millisecond)
		}},
		{idle, func(t *testing.T, _ int) figures.List { t.Helper(); return idleFor(t) }},
	}
}
