package handlers

import (
	"cmp"
	"context"
	"errors"

	"github.com/jamesTait-jt/goflow/goflow"
)

// FailArgs is the payload of Fail and Panic.
type FailArgs struct {
	Message string `json:"message,omitempty"` // what it fails with
}

// Fail fails for good: no attempt follows.
var Fail = goflow.NewJob[FailArgs, struct{}]("sample.fail")

func fail(_ context.Context, in FailArgs) (struct{}, error) {
	return struct{}{}, goflow.Permanent(errors.New(cmp.Or(in.Message, "this sample always fails")))
}
