package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/handlers"
)

// inMemory runs the demo in this process.
func (d *demo) inMemory(ctx context.Context) error {
	queue := memory.NewBroker(memory.Lease(lease), memory.PollWait(pollWait))
	dead := memory.NewBroker(memory.Lease(lease), memory.PollWait(pollWait))
	w := world{queue: queue, dead: dead, store: memory.NewStore()}
	mux := goflow.NewMux()
	handlers.Register(mux)
	worker, err := goflow.NewWorker(w.queue, w.store, mux, goflow.DeadLetters(w.dead),
		goflow.Backoff(backoff, goflow.DefaultBackoffCap), goflow.UnknownTypeGrace(unknownGrace))
	if err != nil {
		return err
	}
	client, err := goflow.NewClient(w.queue, w.store)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(working) }()
	if err := d.produceHere(ctx, client); err != nil {
		d.say("producer: %v", err)
	}
	f, err := w.readBack(ctx, d.tasks)
	stop()
	if err := errors.Join(err, <-stopped); err != nil {
		return err
	}
	if f.dead, err = w.deadLetters(ctx, d.tasks); err != nil {
		return err
	}
	return d.report(f)
}

// produceHere is the producer without a process of its own.
func (d *demo) produceHere(ctx context.Context, client *goflow.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.patience, func() { cancel(fmt.Errorf("nothing happened for %v", d.patience)) })
	defer watch.Stop()
	n := 0
	err := produceAll(ctx, client, d.orders(), func(e event) error {
		if !e.Ended {
			d.tasks[e.N].id = e.ID
			return nil
		}
		watch.Reset(d.patience)
		n++
		d.progress(n)
		return nil
	})
	if err != nil && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return err
}
