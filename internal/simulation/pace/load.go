package pace

import (
	"context"
	"testing"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/figures"
)

// How much of each a scenario has.
const (
	manySlots = 1000
	poolSlots = 100
	callers   = 200
)

// What keeps those apart who would act at one instant.
const (
	longestRun   = time.Millisecond       // of a handler
	longestPause = 100 * time.Microsecond // of a caller, between two pushes
)

// job has a payload that says which of the scenario's tasks it is.
func job() *goflow.Job[int, string] { return goflow.NewJob[int, string]("pace.task") }

// quick are handlers that do nothing, each for a moment. began and
// ended, where they are not nil, learn when.
func quick(w *world, began, ended []time.Duration) *goflow.Mux {
	m := goflow.NewMux()
	job().Handle(m, func(_ context.Context, n int) (string, error) {
		if began != nil {
			began[n] = w.now()
		}
		moment(n, longestRun)
		if ended != nil {
			ended[n] = w.now()
		}
		return "done", nil
	})
	return m
}

// fill pushes n tasks as fast as one can.
func (p *program) fill(n int) {
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = task.Task{Type: job().Name(), Payload: i}
	}
	if _, err := p.client().PushMany(p.ctx, tasks); err != nil {
		panic(err) // nothing fails here
	}
}

// settled waits until so many messages were deleted.
func (p *program) settled(n int) {
	for p.calls.about(remove) < n {
		time.Sleep(time.Millisecond)
	}
}

// consume is how fast one process is that has all it can do.
func consume(t *testing.T, n int) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.program("producer").fill(n)
		p := w.program("worker")
		stop := p.work(quick(w, nil, nil), manySlots)
		p.settled(n)
		made := perTask(n, p)
		stop()
		l.Add(consuming, "tasks/s", middle(p.calls.of(write)))
		l.Add(consuming, "calls per task", made)
		fills(&l, consuming, p)
	})
	return l
}

// middle is how many items a second calls were about, from the first quarter of
// them to the last.
func middle(all []call) float64 {
	n := 0
	for _, c := range all {
		n += c.items
	}
	var from, to time.Duration
	items, so := 0, 0
	for _, c := range all {
		so += c.items
		switch {
		case so < n/4:
		case from == 0:
			from = c.ended
		case so <= n*3/4:
			items, to = items+c.items, c.ended
		}
	}
	return float64(items) / (to - from).Seconds()
}

// pushed calls do for 0, by which a client learns the limits of its queue, and then
// for 1 to n-1 by many callers, each one after the other.
func pushed(n, side int, do func(i int)) {
	do(0)
	done := make(chan struct{})
	for caller := range side {
		go func() {
			for i := 1 + caller; i < n; i += side {
				moment(caller, longestPause)
				do(i)
			}
			done <- struct{}{}
		}()
	}
	for range side {
		<-done
	}
}

// push is how fast one process pushes by many callers, who each know of one task.
func push(t *testing.T, n int) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		p := w.program("producer")
		client, j := p.client(), job()
		took := make([]time.Duration, n)
		began := w.now()
		pushed(n, callers, func(i int) {
			before := w.now()
			if _, err := j.Push(w.ctx, client, i); err != nil {
				panic(err) // nothing fails here
			}
			took[i] = w.now() - before
		})
		l.Add(pushing, "tasks/s", float64(n)/(w.now()-began).Seconds())
		percentiles(&l, pushing, "push", took)
		fills(&l, pushing, p)
	})
	return l
}

// saturate is what a task costs from push to result where there is enough to do.
func saturate(t *testing.T, n int) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		producer, worker := w.program("producer"), w.program("worker")
		client, j := producer.client(), job()
		ids := make([]string, n)
		pushed(n, callers, func(i int) { ids[i], _ = j.Push(w.ctx, client, i) }) // a missing ID shows below
		stop := worker.work(quick(w, nil, nil), poolSlots)
		worker.settled(n)
		stop()
		for _, err := range j.WaitAll(w.ctx, client, ids) {
			if err != nil {
				panic(err) // nothing fails here
			}
		}
		l.Add(saturated, "calls per task", perTask(n, producer, worker))
		fills(&l, saturated, producer, worker)
	})
	return l
}
