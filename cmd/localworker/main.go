// Command localworker is the long-lived pool: it receives tasks from SQS, runs
// them by the handlers of package handlers, and stores their outcomes in
// DynamoDB. With -memory it runs tasks from its standard input instead, without
// AWS. docs/configuration.md has its settings and exit codes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/jamesTait-jt/goflow/cmd/internal/program"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/configfile"
)

const name = "localworker"

func main() { program.Run(run) }

// run is the program; it returns the exit code. When ctx ends, it drains.
func run(ctx context.Context, around program.Surroundings) int {
	return around.Finish(name, work(ctx, around))
}

func work(ctx context.Context, around program.Surroundings) error {
	loader := config.NewLoader(config.Worker, "-", around.Getenv)
	if done, err := parse(loader, around); done || err != nil {
		return err
	}
	if err := configfile.Read(around.Getenv, loader); err != nil {
		return err
	}
	settings, err := loader.Load()
	if err != nil {
		return err
	}
	mux := goflow.NewMux()
	handlers.Register(mux)
	log := program.NewLogger(settings, around)
	if settings.Memory {
		return workInMemory(ctx, around, memoryJob{settings: settings, loader: loader, mux: mux, log: log})
	}
	return workOnAWS(ctx, pool{settings: settings, loader: loader, mux: mux, log: log})
}

// parse reads the flags. done: help was asked for and given.
func parse(loader *config.Loader, around program.Surroundings) (done bool, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // its errors would come with the whole usage
	loader.Flags(func(name string, v *config.Value) { flags.Var(v, name, v.Usage()) })
	err = flags.Parse(around.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(around.Stdout)
		_, _ = fmt.Fprintf(around.Stdout, "Usage: %s [flags]\n", name) // nowhere else to report it
		flags.PrintDefaults()
		return true, nil
	case err != nil:
		return false, config.Errorf("%v: %s -help lists the flags", err, name)
	case flags.NArg() > 0:
		return false, config.Errorf("unexpected argument %.60q: %s takes flags only, -help lists them", flags.Arg(0), name)
	}
	return false, nil
}
