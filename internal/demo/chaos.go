package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

// What the chaos demo tells its workers.
const (
	chaosLease       = 2 * time.Second
	chaosConcurrency = "16"
	chaosAttempts    = "100" // a kill may cost a task one, and most have to succeed
	chaosBackoffCap  = "2s"
	chaosDrain       = "10s"
	claimSlack       = 2 * time.Second // what a store waits before another takes a claim over
)

// Bounds of the chaos demo.
const (
	stormTime     = 45 * time.Second // after which no worker is killed any more
	chaosPatience = 90 * time.Second
	chaosEmpty    = 40 * time.Second
)

// storm is one run of the chaos demo.
type storm struct {
	*demo
	seed    uint64
	time    time.Duration // after which nothing is done to the programs any more
	trouble trouble       // besides; nil: none
	size    size
	errands []*errand
	hands   *hands
	fleet   *fleet
	mu      sync.Mutex // of what follows, and the errands' times
	again   int        // pushes that were repeated, as their fate was not known
}

// size is how many there are at a time.
type size struct{ producers, workers int }

func runChaos(ctx context.Context, o options, site string, out io.Writer) error {
	for o.seed == 0 {
		o.seed = uint64(rand.Uint32()) //nolint:gosec // it guards nothing, and is short enough to be typed
	}
	d := &demo{out: out, patience: chaosPatience, started: time.Now(), command: burstsCommand}
	s := &storm{demo: d, seed: o.seed, time: stormTime, size: size{producers: 2, workers: 4}, errands: chaosPlan(site, newLottery(o.seed, 0), o.tasks)}
	for _, e := range s.errands {
		d.tasks = append(d.tasks, e.expectation)
	}
	d.say("seed %d", s.seed)
	if err := s.seekTrouble(ctx, o); err != nil {
		return err
	}
	defer s.endTrouble()
	settings, err := chaosPlaces(ctx)
	if err != nil {
		return err
	}
	d.say("made %s, %s and table %s", settings.QueueURL, settings.DLQURL, settings.Table)
	if err := s.run(ctx, settings); err != nil {
		d.say("again with the same kills and tasks: %s", o.again(s.seed))
		return err // what was provisioned stays, to be looked at
	}
	return remove(ctx, settings)
}

func (s *storm) run(ctx context.Context, settings config.Settings) error {
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return err
	}
	client, err := goflow.NewClient(parts.Queue, parts.Table)
	if err != nil {
		return err
	}
	env := append(environment(settings),
		"GOFLOW_LEASE="+chaosLease.String(), "GOFLOW_CONCURRENCY="+chaosConcurrency, "GOFLOW_MAX_ATTEMPTS="+chaosAttempts,
		"GOFLOW_BACKOFF_CAP="+chaosBackoffCap, "GOFLOW_DRAIN="+chaosDrain)
	if s.fleet, err = s.newFleet(ctx, env); err != nil {
		return err
	}
	s.fleet.supervised, s.fleet.size = s.trouble != nil, s.size.workers
	s.hands = &hands{client: client, queue: parts.Queue, ctx: ctx}
	w := world{queue: parts.Queue, dead: parts.Dead, store: parts.Table, hidden: chaosEmpty}
	f, err := s.weather(ctx, env, w)
	s.reportTrouble()
	if err != nil {
		return err // the logs stay, too
	}
	if f.dead, err = w.deadLetters(ctx, s.tasks); err != nil {
		return err
	}
	entries, err := chaos.Read(s.fleet.journal())
	if err != nil {
		return err
	}
	if err := s.reportChaos(f, entries); err != nil {
		s.say("the workers' logs and their journal are in %s", s.fleet.folder)
		return err
	}
	s.fleet.remove()
	return nil
}

// weather lets workers and producers run, and reads back what became of the tasks.
func (s *storm) weather(ctx context.Context, env []string, w world) (f found, err error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	calm, calmDown := context.WithTimeout(working, s.time)
	defer calmDown()
	worked, troubled := make(chan error, 1), make(chan error, 1)
	go func() { worked <- s.fleet.run(working, calm, s.seed) }()
	go func() { troubled <- s.makeTrouble(working, calm) }()
	if err := s.produceApart(ctx, env); err != nil {
		s.say("producer: %v", err) // what it leaves open shows in the table
	}
	calmDown()
	err = errors.Join(<-troubled, s.hands.wait())
	s.say("all pushed and awaited: %d kills, %d stops, %d copies, %d pushed again, %d workers that ended and were replaced",
		s.fleet.kills, s.fleet.stops, s.hands.sent, s.again, s.fleet.exits)
	f, readErr := w.readBack(ctx, s.tasks)
	stop()
	return f, errors.Join(err, readErr, <-worked)
}

// produceApart runs the producers, each with its share of the tasks.
func (s *storm) produceApart(ctx context.Context, env []string) error {
	var producers sync.WaitGroup
	errs := make([]error, s.size.producers)
	share := len(s.tasks) / len(errs)
	for i := range errs {
		from, to := i*share, (i+1)*share
		if i == len(errs)-1 {
			to = len(s.tasks)
		}
		own := *s.demo
		own.tasks = s.tasks[from:to]
		errands := s.errands[from:to]
		own.watch = func(e event) { s.note(errands[e.N], e) }
		producers.Go(func() { errs[i] = own.runProducer(ctx, env, func(int) error { return nil }) })
	}
	producers.Wait()
	return errors.Join(errs...)
}

// note begins with what is done to a task that has been pushed, or notes that
// it has ended.
func (s *storm) note(e *errand, what event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !what.Ended {
		s.again += what.Again
		s.hands.take(e)
		return
	}
	e.seen = time.Now()
}
