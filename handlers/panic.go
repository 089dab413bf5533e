package handlers

import (
	"cmp"
	"context"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Panic panics at each attempt. The worker outlives it.
var Panic = goflow.NewJob[FailArgs, struct{}]("sample.panic")

func panics(_ context.Context, in FailArgs) (struct{}, error) {
	panic(cmp.Or(in.Message, "this sample always panics"))
}
