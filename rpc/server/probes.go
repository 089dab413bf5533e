package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// check is a part of the server that can be asked.
type check struct {
	name string
	part port.Checker
}

// probes answers whoever keeps the server running.
type probes struct {
	checks   []check
	log      *slog.Logger
	stopping context.Context //nolint:containedctx // it is the server's life

	mu     sync.Mutex // one asks, the others wait for its answer
	asked  time.Time
	failed string // the part that does not answer
}

func newProbes(checks []check, log *slog.Logger, stopping context.Context) *probes { //nolint:revive // the context is kept
	return &probes{checks: checks, log: log, stopping: stopping}
}

// Probes answers GET /healthz with 200 as long as the program runs, and /readyz
// with 200 as long as calls are taken and the parts that Ready names are there;
// else 503 and the name of the first that is not. The log says why. The parts are
// asked once in five seconds at most, for three. Everybody may ask, so it belongs
// on an address of its own.
func (s *Server) Probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if missing := s.probes.missing(); missing != "" { //nolint:contextcheck // the answer is for all, also when who asked is gone
			http.Error(w, "not ready: "+missing, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// missing names what keeps the server from being ready.
func (p *probes) missing() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping.Err() != nil {
		return "the server stops"
	}
	if p.asked.IsZero() || time.Since(p.asked) >= checkEvery {
		p.ask()
		p.asked = time.Now()
	}
	return p.failed
}

// ask asks one part after the other, until one is missing.
func (p *probes) ask() {
	ctx, cancel := context.WithTimeout(p.stopping, checkTimeout)
	defer cancel()
	before := p.failed
	p.failed = ""
	for _, c := range p.checks {
		err := c.part.Check(ctx)
		if err == nil {
			continue
		}
		if p.failed = c.name; before != c.name {
			p.log.LogAttrs(ctx, slog.LevelError, "not ready", slog.String("part", c.name), slog.Any("error", err))
		}
		return
	}
	if before != "" {
		p.log.LogAttrs(ctx, slog.LevelInfo, "ready again", slog.String("part", before))
	}
}
