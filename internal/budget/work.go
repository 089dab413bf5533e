package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// What a scenario has of each.
const (
	slots   = 100
	pushers = 200
	small   = 100 // bytes of a payload and a result, as JSON
)

// text is a string whose JSON has so many bytes.
func text(size int) string { return strings.Repeat("x", size-len(`""`)) }

// job is what all scenarios run.
type job = goflow.Job[string, string]

// fan calls do for 0 to n-1, side by side.
func fan(n, side int, do func(i int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, side)
	for own := range side {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[own] == nil; i = int(next.Add(1)) - 1 {
				errs[own] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// push pushes n tasks by many callers, who each know of one task only.
func push(ctx context.Context, c *goflow.Client, j *job, n int) ([]string, error) {
	ids, payload := make([]string, n), text(small)
	err := fan(n, pushers, func(i int) (err error) {
		ids[i], err = j.Push(ctx, c, payload)
		return err
	})
	return ids, err
}

// drain runs a worker until the queue is empty. The function that it returns stops
// the worker and waits for it.
func (p *place) drain(ctx context.Context, to *parts, m *goflow.Mux) (stop func() error, err error) {
	w, err := goflow.NewWorker(to.queue, to.table, m, goflow.DeadLetters(to.dead), goflow.Concurrency(slots))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = func() error { cancel(); return <-ended }
	if err := p.empty(ctx); err != nil {
		return nil, fmt.Errorf("%w, and the worker: %w", err, stop())
	}
	return stop, nil
}

// read reads each result once.
func (w work) read(ctx context.Context, c *goflow.Client, ids []string) error {
	n := 0
	for r, err := range w.job.WaitAll(ctx, c, ids) {
		if err != nil {
			return err
		}
		if len(r.Value) != w.result-len(`""`) {
			return fmt.Errorf("task %s has a result of %d bytes", r.ID, len(r.Value))
		}
		n++
	}
	if n != len(ids) {
		return fmt.Errorf("%d results of %d tasks", n, len(ids))
	}
	return nil
}

// through takes n tasks from push to result, and returns how long that took; not
// how long the worker takes to stop.
func (p *place) through(ctx context.Context, to *parts, w work, n int) (took time.Duration, err error) {
	c, err := goflow.NewClient(to.queue, to.table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }() // it returns nil
	m, result := goflow.NewMux(), text(w.result)
	w.job.Handle(m, func(context.Context, string) (string, error) { return result, nil })
	began := time.Now()
	ids, err := push(ctx, c, w.job, n)
	if err != nil {
		return 0, err
	}
	stop, err := p.drain(ctx, to, m)
	if err != nil {
		return 0, err
	}
	if !w.unread {
		err = w.read(ctx, c, ids)
	}
	took = time.Since(began)
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	return took, err
}

// work is what a scenario's tasks are.
type work struct {
	job    *job
	result int
	unread bool
}
