// Command demo runs the whole of GoFlow once: it makes queues and a table of
// its own, starts cmd/localworker as a process and a producer as another,
// which pushes 200 tasks of all kinds and awaits them, and compares each outcome
// with what was expected of it. Its last line is for machines:
//
//	demo: pushed=200 succeeded=163 failed=37 lost=0
//
// With -memory it does the same in this one process, without AWS; with
// -kill-worker it kills the worker in the middle and starts another.
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
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// What the demo tells its workers: short, so that it ends soon.
const (
	lease        = 5 * time.Second
	backoff      = 200 * time.Millisecond
	pollWait     = time.Second
	unknownGrace = 2 * time.Second
	attempts     = goflow.DefaultMaxAttempts
)

// patience is how long nothing may happen before what is missing counts as
// lost.
const patience = 60 * time.Second

// produceCommand makes this program the producer.
const produceCommand = "produce"

// errNotAsExpected ends a demo that found a difference; the table shows it.
var errNotAsExpected = errors.New("not everything is as expected")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
	stop()
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == produceCommand {
		return produce(ctx, os.Stdin, out)
	}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	inMemory := flags.Bool("memory", false, "run in one process, without AWS")
	kill := flags.Bool("kill-worker", false, "kill the worker in the middle and start another")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *inMemory && *kill {
		return errors.New("-kill-worker: with -memory there is no process to kill")
	}
	site, stopSite, err := startSite(ctx)
	if err != nil {
		return err
	}
	defer stopSite()
	d := &demo{out: out, tasks: plan(site), kill: *kill, started: time.Now()}
	if *inMemory {
		return d.inMemory(ctx)
	}
	return d.onAWS(ctx)
}

// demo is one run.
type demo struct {
	out     io.Writer
	tasks   []*expectation
	kill    bool
	started time.Time
}

// say writes a line of progress.
func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, "%5.1fs  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, args...)) // nowhere else to report it
}
