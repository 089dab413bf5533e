package main

import (
	"context"
	"math"

	"github.com/jamesTait-jt/goflow/internal/figures"
	"github.com/jamesTait-jt/goflow/internal/localcost"
)

// inProcess is local mode, in turn with what one would write by hand.
func inProcess(context.Context, options) (got figures.List, err error) {
	ratio, allocated, err := localcost.Measure() //nolint:contextcheck // a local mode has its own
	got.Add(localMode, byHand, ratio)
	got.Add(localMode, allocs, math.Floor(allocated)) // as testing.AllocsPerRun counts
	got.Add(localMode, shared, allocated)
	return got, err
}
