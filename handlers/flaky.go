package handlers

import (
	"context"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow"
)

// FlakyArgs is the payload of Flaky.
type FlakyArgs struct {
	Fail int `json:"fail"` // how many attempts fail
}

// FlakyReport is the result of Flaky.
type FlakyReport struct {
	Attempt int `json:"attempt"` // the one that succeeded
}

// Flaky fails its first attempts, as many as its payload says, so that whoever
// pushes it knows how it ends.
var Flaky = goflow.NewJob[FlakyArgs, FlakyReport]("sample.flaky")

func flaky(ctx context.Context, in FlakyArgs) (FlakyReport, error) {
	info, _ := goflow.TaskFromContext(ctx)
	if info.Attempt <= in.Fail {
		return FlakyReport{}, fmt.Errorf("attempt %d of %d that fail", info.Attempt, in.Fail)
	}
	return FlakyReport{Attempt: info.Attempt}, nil
}
