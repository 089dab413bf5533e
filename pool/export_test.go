package pool

import (
	"context"
	"net/http"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// Program is what Main runs, under a name of its own.
func Program(name string, mux *goflow.Mux) func(context.Context, program.Surroundings) int {
	return home{name: name, mux: mux}.run
}

// Probes is what answers for a worker.
func Probes(stopping context.Context, worker *goflow.Worker, pollWait time.Duration) http.Handler {
	return probes{worker: worker, pollWait: pollWait, stopping: stopping, meter: &cost.Meter{}}.handler()
}
