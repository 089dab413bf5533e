package pool

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/metrics"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// probes answer whoever watches the process.
type probes struct {
	worker   *goflow.Worker
	pollWait time.Duration
	stopping context.Context //nolint:containedctx // the question is whether it has ended
	meter    *cost.Meter
}

// ready: the last receive is at most two poll waits old, and no stop is under
// way.
func (p probes) ready() bool {
	return p.stopping.Err() == nil && time.Since(p.worker.LastReceive()) <= 2*p.pollWait
}

func (p probes) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.ready()) })
	mux.Handle("GET /metrics", metrics.Handler(p.meter))
	return mux
}

func answer(w http.ResponseWriter, well bool) {
	text := "ok\n"
	if !well {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "not ready\n"
	}
	_, _ = io.WriteString(w, text) // whoever asked has gone
}

// serve answers at addr until the function it returns is called.
func (p probes) serve(addr string, log *slog.Logger) (stop func(), err error) {
	listens, stop, err := program.ServeProbes(p.stopping, addr, p.handler(), func(err error) {
		log.Error("health server ended", slog.Any("error", err))
	})
	if err != nil {
		return nil, config.Errorf("http-addr %s: %v: give a free host:port, or off", addr, err)
	}
	if listens != "" {
		log.Info("health server listens", slog.String("address", listens))
	}
	return stop, nil
}
