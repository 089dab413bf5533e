package simulation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Outcome is what a simulation came to.
type Outcome struct {
	Config     Config
	Events     []history.Event
	Faults     map[cloud.Fault]int
	Virtual    time.Duration
	Violations []check.Violation
	Rare       map[string]int // how often each situation occurred
	Judged     map[string]int // how often each invariant was held against something
	Totals     check.Totals
	Runs       int // of handlers
	Tasks      int
}

// Run is one simulation. Only one can run at a time in a process, since all chance
// in the core comes from one source.
func Run(t *testing.T, c Config) (o *Outcome) {
	t.Helper()
	c.draw()
	defer SeedRandom(c.Seed)()
	synctest.Test(t, func(*testing.T) { o = simulate(c) })
	return o
}

// simulate runs in a bubble of its own.
func simulate(c Config) *Outcome {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	begin := time.Now()
	w := newWorld(ctx, c)
	working, stopWork := context.WithCancel(ctx)
	for n := range c.Workers {
		w.run(func() { w.place(working, n) })
	}
	half := len(w.errands) / 2
	w.pushing.Add(2)
	w.run(func() { w.producer(1, w.errands[:half]) })
	w.run(func() { w.producer(2, w.errands[half:]) })
	if c.Redrives {
		storm, calm := context.WithTimeout(ctx, c.Storm)
		defer calm()
		w.run(func() { w.operator(storm) })
	}
	time.Sleep(c.Storm)
	drained := w.drained()
	stopWork()
	cloud.Sleep(ctx, drain+time.Minute) // each worker has to be gone by then
	o := &Outcome{Config: c, Faults: w.weather.Counts(), Virtual: time.Since(begin)}
	facts := w.facts(drained)
	end()
	w.cloud.End()
	w.actors.Wait()
	w.cloud.Wait()
	time.Sleep(lastWords)
	o.Events = w.log.Events()
	h := check.New(o.Events, facts)
	o.Violations, o.Judged = h.Violations()
	o.Rare, o.Totals, o.Runs, o.Tasks = h.Rare(), h.Totals(), h.Runs(), h.Tasks()
	return o
}

// lastWords is what the remains of killed processes get to give up; whatever is
// still there then, ends the bubble with a panic.
const lastWords = 5 * time.Minute

// drained waits until there is nothing to do any more.
func (w *world) drained() bool {
	for until := time.Now().Add(w.patience()); time.Now().Before(until); time.Sleep(time.Second) {
		if w.pushing.Load() == 0 && len(w.cloud.Messages(w.queueURL())) == 0 {
			return true
		}
	}
	return false
}

func (w *world) facts(drained bool) check.Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := check.Facts{
		Drained: drained, Lease: w.Lease, Slots: w.Slots, Drain: drain, Ordered: w.Ordered, Tasks: map[int]check.Task{},
		Left: w.cloud.Messages(w.queueURL()), Letters: w.cloud.Letters(w.deadURL()), Rows: w.cloud.Rows(),
	}
	for _, e := range w.errands {
		f.Tasks[e.args.N] = e.facts
	}
	for _, n := range w.weather.Counts() {
		f.Faults += n
	}
	return f
}
