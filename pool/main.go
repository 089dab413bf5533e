// Package pool is the main function of a worker, for programs that run handlers
// of their own as a long-lived process: it receives tasks from SQS, runs them by
// a mux, and stores their outcomes in DynamoDB. cmd/localworker is such a program,
// examples/kubernetes another.
package pool

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/configfile"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// Main runs a worker with the handlers of mux and ends the process: a program's
// main calls it last. Everything else is settings, as flags, GOFLOW_* variables
// and the configuration file; docs/configuration.md has them, their defaults, units
// and limits, and the exit codes. Errors are one line on standard error.
//
// On the settings' HTTP address it serves /healthz, which answers 200 as long as
// the process runs, and /readyz, which answers 200 while it receives: not before
// the first receive, nor when the last one is longer ago than two poll waits, nor
// once a stop has begun. /metrics has what its calls to AWS were billed, in
// Prometheus's text format.
//
// The first SIGTERM or SIGINT lets it drain: it receives no more, and ends when
// its tasks have, or gives back those that have not by the end of the drain. The
// second ends it at once.
//
// With the flag -memory it runs tasks from its standard input, one JSON object a
// line, without AWS, writes their outcomes to standard output, and ends.
func Main(mux *goflow.Mux) {
	m := home{name: filepath.Base(os.Args[0]), mux: mux}
	program.Run(m.run)
}

// home is a worker's program.
type home struct {
	name string // its errors begin with it
	mux  *goflow.Mux
}

// run returns the exit code. When ctx ends, it drains.
func (h home) run(ctx context.Context, around program.Surroundings) int {
	return around.Finish(h.name, h.work(ctx, around))
}

func (h home) work(ctx context.Context, around program.Surroundings) error {
	loader := config.NewLoader(config.Worker, "-", around.Getenv)
	if done, err := h.parse(loader, around); done || err != nil {
		return err
	}
	if err := configfile.Read(around.Getenv, loader); err != nil {
		return err
	}
	settings, err := loader.Load()
	if err != nil {
		return err
	}
	log := program.NewLogger(settings, around)
	if settings.Memory {
		return workInMemory(ctx, around, memoryJob{name: h.name, settings: settings, loader: loader, mux: h.mux, log: log})
	}
	return workOnAWS(ctx, pool{settings: settings, loader: loader, mux: h.mux, log: log, meter: &cost.Meter{}})
}

// parse reads the flags. done: help was asked for and given.
func (h home) parse(loader *config.Loader, around program.Surroundings) (done bool, err error) {
	flags := flag.NewFlagSet(h.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // its errors would come with the whole usage
	loader.Flags(func(name string, v *config.Value) { flags.Var(v, name, v.Usage()) })
	err = flags.Parse(around.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(around.Stdout)
		_, _ = fmt.Fprintf(around.Stdout, "Usage: %s [flags]\n", h.name) // nowhere else to report it
		flags.PrintDefaults()
		return true, nil
	case err != nil:
		return false, config.Errorf("%v: %s -help lists the flags", err, h.name)
	case flags.NArg() > 0:
		return false, config.Errorf("unexpected argument %.60q: %s takes flags only, -help lists them", flags.Arg(0), h.name)
	}
	return false, nil
}
