// Package rounds lets contenders run, one after the other and round by round, so
// that whatever else the machine does meets all of them.
package rounds

import (
	"context"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/bench/internal/child"
	"github.com/jamesTait-jt/goflow/bench/internal/contend"
	"github.com/jamesTait-jt/goflow/bench/internal/count"
)

// Contender is one of those that are compared.
type Contender struct {
	Name        string
	Where       string // its tasks and results are
	Environment []string
	Command     []string // of its process
	Meter       count.Meter
	InProcess   bool
}

// Load is what a contender has to do.
type Load struct {
	Tasks    int
	Bytes    int // of each payload
	Workers  int
	Handlers int     // of each worker
	Queued   bool    // all tasks are queued before the workers start
	Warm     int     // tasks that come first and don't count
	LowTasks int     // at low load; 0: none
	LowGap   float64 // s between them; 0: one after the other
}

// Sample is what came of it. Each figure is per task, unless it says otherwise;
// one below 0 is unknown.
type Sample struct {
	Calls, Dollars float64
	Allocations    float64
	Processor      float64   // s
	Rate           float64   // tasks a second, from the first push to the last result
	Latencies      []float64 // s, of each task at low load
	Detail         string    // of the calls
}

// run is one contender's, in a process of its own, and with a queue and a table of
// its own.
type run struct {
	*Contender
	load    Load
	process *child.Process
	name    string
}

// Measure runs a contender once.
func (c *Contender) Measure(ctx context.Context, l Load) (s Sample, err error) {
	r := run{Contender: c, load: l, name: fmt.Sprintf("bench-%d", time.Now().UnixNano())}
	r.process, err = child.Start(ctx, c.Name, append([]string{"BENCH_NAME=" + r.name}, c.Environment...), c.Command...)
	if err != nil {
		return s, err
	}
	defer c.Meter.Clear(context.WithoutCancel(ctx), r.name)
	defer r.process.Stop()
	settings := contend.Settings{Name: r.name, Workers: l.Workers, Handlers: l.Handlers}
	if _, err := r.process.Do(child.Order{Do: child.DoMake, Settings: settings}); err != nil {
		return s, err
	}
	if !l.Queued {
		if err := r.warm(); err != nil {
			return s, err
		}
	}
	if s, err = r.measure(ctx); err != nil || l.LowTasks == 0 {
		return s, err
	}
	low, err := r.process.Do(child.Order{Do: child.DoPace, Tasks: l.LowTasks, Bytes: l.Bytes, Gap: l.LowGap})
	s.Latencies = low.Latencies
	return s, err
}

// warm has the workers start, and connections opened.
func (r *run) warm() error {
	_, err := r.do(child.DoWork, 0)
	if err == nil {
		_, err = r.do(child.DoPush, r.load.Warm)
	}
	if err == nil {
		_, err = r.do(child.DoAwait, 0)
	}
	return err
}

func (r *run) do(what string, tasks int) (child.Answer, error) {
	return r.process.Do(child.Order{Do: what, Tasks: tasks, Bytes: r.load.Bytes})
}

// measure runs the tasks, and compares what was used after with what was before.
func (r *run) measure(ctx context.Context) (s Sample, err error) {
	before, err := r.read(ctx)
	if err != nil {
		return s, err
	}
	seconds, err := r.tasks()
	if err != nil {
		return s, err
	}
	after, err := r.read(ctx)
	tasks := float64(r.load.Tasks)
	return Sample{
		Calls:       used(before.Calls, after.Calls) / tasks,
		Dollars:     used(before.Dollars, after.Dollars) / tasks,
		Allocations: used(before.Allocations, after.Allocations) / tasks,
		Processor:   used(before.Processor, after.Processor) / tasks,
		Rate:        tasks / seconds,
		Detail:      after.Detail,
	}, err
}

// tasks returns how long they took.
func (r *run) tasks() (seconds float64, err error) {
	steps := []string{child.DoPush, child.DoAwait}
	if r.load.Queued {
		steps = []string{child.DoPush, child.DoWork, child.DoAwait}
	}
	for _, step := range steps {
		a, err := r.do(step, r.load.Tasks)
		if err != nil {
			return 0, err
		}
		seconds += a.Seconds
	}
	return seconds, nil
}

type readings struct {
	count.Reading
	child.Usage
}

// read looks once everything is done: results may be stored before messages are
// deleted.
func (r *run) read(ctx context.Context) (all readings, err error) {
	if err := r.Meter.Settle(ctx, r.name); err != nil {
		return all, err
	}
	if all.Reading, err = r.Meter.Read(ctx); err != nil {
		return all, err
	}
	answer, err := r.do(child.DoUsage, 0)
	all.Usage = answer.Usage
	return all, err
}

// used keeps what is unknown unknown.
func used(before, after float64) float64 {
	if after < 0 {
		return -1
	}
	return after - before
}
