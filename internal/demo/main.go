// Command demo runs the whole of GoFlow once: it makes queues and a table of
// its own, starts cmd/localworker as a process and a producer as another,
// which pushes 200 tasks of all kinds and awaits them, and compares each outcome
// with what was expected of it. Its last line is for machines:
//
//	demo: pushed=200 succeeded=163 failed=37 lost=0
//
// With -memory it does the same in this one process, without AWS; with
// -kill-worker it kills the worker in the middle and starts another. With
// -stack it makes and starts nothing but the producer: it uses the queues and
// the table of that stack, whose function has to be the one of lambda/worker
// with GOFLOW_BACKOFF=200ms and GOFLOW_UNKNOWN_TYPE_GRACE=2s, as the localstack
// environment of samconfig.toml has it, and to run on this machine, where the
// pages are that it is to fetch.
//
// With -grpc the producer is internal/demo/remote, which knows nothing of AWS: it
// talks to two processes of goflow server, of which one is killed in the middle.
//
// With -chaos it pushes 2,000 tasks, among them ones that are Once, delayed,
// cancelled, longer than a lease and copied by hand, from two producers, while
// it kills (SIGKILL) and stops (SIGSTOP) its workers at moments that -seed
// decides. The last line then says how many tasks broke the promise of Once,
// which chaos.Verdict words:
//
//	demo: pushed=2000 succeeded=1694 failed=306 lost=0 once_twice=0
//
// With -faults besides, everything goes through proxies that refuse, delay,
// throttle and cut off (package faults), credentials last seconds, and the
// emulators themselves are stopped and started again: those of
// localstack/fast/up --durable, which keep what they have. With -frozen, LocalStack
// is stopped (SIGSTOP) for half a minute. -tasks says how many tasks there are.
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

// How many tasks -chaos pushes: fewer would not have some of each kind.
const (
	defaultTasks = 2000
	leastTasks   = 100
	mostTasks    = 100_000
)

// patience with a worker that the demo looks after itself.
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
	if len(args) > 0 {
		switch args[0] {
		case produceCommand:
			return produce(ctx, os.Stdin, out, produceAll)
		case burstsCommand:
			return produce(ctx, os.Stdin, out, produceInBursts)
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	site, stopSite, err := startSite(ctx)
	if err != nil {
		return err
	}
	defer stopSite()
	if o.chaos {
		return runChaos(ctx, o, site, out)
	}
	d := &demo{out: out, tasks: plan(site), kill: o.kill, remote: o.remote, patience: patience, started: time.Now()}
	switch {
	case o.inMemory:
		return d.inMemory(ctx)
	case o.stack != "":
		return d.onStack(ctx, o.stack)
	}
	return d.onAWS(ctx)
}

// options are the flags.
type options struct {
	inMemory, kill, chaos, remote bool
	stack                         string
	seed                          uint64
	tasks                         int  // of chaos
	faults, frozen                bool // kinds of chaos
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.BoolVar(&o.inMemory, "memory", false, "run in one process, without AWS")
	flags.BoolVar(&o.kill, "kill-worker", false, "kill the worker in the middle and start another")
	flags.BoolVar(&o.remote, "grpc", false, "push through two servers, of which one is killed in the middle, to two workers")
	flags.BoolVar(&o.chaos, "chaos", false, "push tasks while workers are killed and stopped")
	flags.Uint64Var(&o.seed, "seed", 0, "of what is random about -chaos; 0: another one each time")
	flags.IntVar(&o.tasks, "tasks", defaultTasks, "how many -chaos pushes")
	flags.BoolVar(&o.faults, "faults", false, "-chaos through proxies that fail, on emulators that are stopped and started again")
	flags.BoolVar(&o.frozen, "frozen", false, "-chaos on a LocalStack that is stopped for half a minute")
	flags.StringVar(&o.stack, "stack", "", "use the queues, the table and the function of this CloudFormation stack")
	err = flags.Parse(args)
	switch {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %.60q: demo takes flags only, -help lists them", flags.Arg(0))
	}
	return o, o.check()
}

// check judges the flags against each other.
func (o options) check() error {
	switch {
	case o.inMemory && o.stack != "":
		return errors.New("-memory: with -stack it runs on AWS: leave one of the two out")
	case o.remote && (o.inMemory || o.stack != "" || o.kill):
		return errors.New("-grpc: it has servers and workers of its own: leave -memory, -stack and -kill-worker out")
	case o.kill && (o.inMemory || o.stack != ""):
		return errors.New("-kill-worker: with -memory or -stack there is no process of the demo's to kill: leave it out")
	}
	return o.checkChaos()
}

func (o options) checkChaos() error {
	switch {
	case o.chaos && (o.inMemory || o.stack != "" || o.kill || o.remote):
		return errors.New("-chaos: it has workers of its own: leave -memory, -stack, -grpc and -kill-worker out")
	case o.seed != 0 && !o.chaos:
		return fmt.Errorf("-seed %d: only -chaos is random", o.seed)
	}
	return o.checkTrouble()
}

// demo is one run.
type demo struct {
	out   io.Writer
	tasks []*expectation
	kill  bool
	// patience is how long nothing may happen before what is missing counts as lost.
	patience time.Duration
	started  time.Time
	remote   bool        // the producer works through servers
	producer string      // the producer's program; empty: this one, with command
	command  string      // produceCommand unless set
	watch    func(event) // called with each event of the producer; nil: nobody watches
}

// say writes a line of progress.
func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, "%5.1fs  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, args...)) // nowhere else to report it
}
