// Package localcost measures what a task costs in local mode, as a multiple of what
// the same work costs in the plainest Go that one would write by hand.
package localcost

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// MaxRatio is the most that CI allows Measure to return; the aim is 4. MaxAllocs is
// the most allocations, as testing.AllocsPerRun counts them: whole ones.
const (
	MaxRatio  = 7.0
	MaxAllocs = 2.0
)

const (
	workers = 5           // of both: as many as local mode has by default
	callers = 2 * workers // each pushes a task and waits for its result, again and again
	pairs   = 15

	// So many that one side takes about as long as the other, and long for the clock.
	tasks     = 20_000
	handTasks = 4 * tasks
)

// Measure lets ten callers push typed tasks and wait for the result of each: in local
// mode, and by a channel, five fixed workers and a channel for each result, in turn. It
// returns the median of 15 ratios of the processor time of a task, the garbage
// collector's included, and the allocations of a task, those for growing tables included.
// Local mode keeps all results meanwhile. It takes a few seconds, and whatever else the
// process does counts.
func Measure() (ratio, allocs float64, err error) {
	byHand := newByHand()
	defer byHand.close()
	ratios := make([]float64, pairs)
	for i := range ratios {
		local, err := newLocal()
		if err != nil {
			return 0, 0, err
		}
		flow, err := measure(local.one, tasks)
		if err = errors.Join(err, local.gf.Close()); err != nil {
			return 0, 0, err
		}
		hand, err := measure(byHand.one, handTasks)
		if err != nil {
			return 0, 0, err
		}
		ratios[i] = flow.time / hand.time
		allocs += flow.allocs / pairs
	}
	slices.Sort(ratios)
	return ratios[pairs/2], allocs, nil
}

// cost is what a task takes.
type cost struct {
	time   float64 // of processors, in nanoseconds
	allocs float64
}

// measure runs n tasks. What was left to collect before them is not theirs.
func measure(one func(in int) (int, error), n int) (cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := processorTime()
	err := all(one, n)
	took := processorTime() - began
	runtime.ReadMemStats(&after)
	return cost{float64(took) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}, err
}

// all lets the callers share n tasks, and checks each result.
func all(one func(in int) (int, error), n int) error {
	var calling sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		calling.Go(func() {
			for in := c; in < n && errs[c] == nil; in += callers {
				got, err := one(in)
				if err == nil && got != in*in {
					err = fmt.Errorf("localcost: task %d came to %d", in, got)
				}
				errs[c] = err
			}
		})
	}
	calling.Wait()
	return errors.Join(errs...)
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// local is GoFlow's side.
type local struct {
	gf  *goflow.GoFlow
	job *goflow.Job[int, int]
}

func newLocal() (*local, error) {
	l := &local{
		gf:  goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), goflow.WithNumWorkers(workers)),
		job: goflow.NewJob[int, int]("square"),
	}
	l.job.Handle(l.gf.Mux(), func(_ context.Context, n int) (int, error) { return n * n, nil })
	return l, l.gf.Start()
}

func (l *local) one(in int) (int, error) {
	ctx := context.Background()
	id, err := l.job.Push(ctx, l.gf.Client(), in)
	if err != nil {
		return 0, err
	}
	return l.job.Wait(ctx, l.gf.Client(), id)
}

// byHand is the other side.
type byHand struct {
	queue   chan call
	working sync.WaitGroup
}

type call struct {
	in     int
	result chan int
}

func newByHand() *byHand {
	h := &byHand{queue: make(chan call, workers)} // as much room as local mode has
	for range workers {
		h.working.Go(func() {
			for c := range h.queue {
				c.result <- c.in * c.in
			}
		})
	}
	return h
}

func (h *byHand) one(in int) (int, error) {
	c := call{in, make(chan int, 1)}
	h.queue <- c
	return <-c.result, nil
}

func (h *byHand) close() {
	close(h.queue)
	h.working.Wait()
}
