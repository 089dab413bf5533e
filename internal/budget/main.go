// Command budget runs tasks through ElasticMQ and DynamoDB Local in the ways that
// programs do, counts what they would cost on AWS, and fails where that is more
// than its limits allow. It judges counts, and ratios of what ran in turn in this
// one run; never a time on the clock, and of processor time an idle worker's alone. Its
// last line is for machines:
//
//	cost: calls=0.36 dollars_per_million=0.82 allocs=190 local=3.2
//
// `make cost` starts it with the emulators that it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jamesTait-jt/goflow/internal/figures"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1) //nolint:gocritic // the signals need no goodbye
	}
}

// options are what the command is told.
type options struct {
	tasks  int
	rounds int
	only   string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == idleCommand {
		return beIdle(ctx, args[1:], out)
	}
	var o options
	flags := flag.NewFlagSet("budget", flag.ContinueOnError)
	flags.IntVar(&o.tasks, "tasks", 2000, "how `many` tasks a round has")
	flags.IntVar(&o.rounds, "rounds", 5, "how `many` rounds the saturated pool and the naive implementation take in turn")
	flags.StringVar(&o.only, "only", "", "the one `scenario` to run; limits of others are not judged")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if len(o.limits()) == 0 {
		return fmt.Errorf("-only %q: give a scenario that has limits, as %q", o.only, saturatedPool)
	}
	got, err := o.measure(ctx)
	if err != nil {
		return err
	}
	return report(out, got, o.limits())
}

// measure runs the scenarios one after the other, and the idle worker beside them.
func (o options) measure(ctx context.Context) (all figures.List, err error) {
	idle := &child{}
	if o.runs(idleWorker) {
		if idle, err = startIdle(ctx); err != nil {
			return nil, err
		}
	}
	for _, s := range scenarios() {
		if !o.runs(s.name) {
			continue
		}
		got, err := s.run(ctx, o)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", s.name, err), idle.stop(ctx))
		}
		all = append(all, got...)
	}
	got, err := idle.wait(ctx)
	return append(all, got...), err
}

func (o options) runs(scenario string) bool { return o.only == "" || o.only == scenario }

// limits are those of what runs.
func (o options) limits() (some []figures.Limit) {
	for _, l := range limits() {
		if o.runs(l.Scenario) {
			some = append(some, l)
		}
	}
	return some
}
