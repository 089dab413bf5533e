package goflow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// localMode is a broker, a store and a worker in this process.
type localMode struct {
	handlers KVStore[string, task.Handler]
	mux      *Mux
	queue    *memory.LocalBroker
	broker   Broker
	store    Store
	results  *resultStore // nil unless the program keeps results itself
	worker   *Worker
	stop     context.CancelFunc
	ended    chan error
}

func newLocalMode(handlers KVStore[string, task.Handler], o options) (*localMode, error) {
	l := &localMode{handlers: handlers, mux: NewMux(), ended: make(chan error, 1)}
	l.mux.seed = handlers.Get
	l.queue = memory.NewLocalBroker(o.workers + o.buffer)
	local, wire := memory.NewLocalStore(), memory.NewStore()
	var awaiter port.Awaiter = local
	l.broker, l.store = l.queue, local
	if o.wireCheck {
		l.broker, l.store, awaiter = wireBroker{l.queue}, wireStore{wire, wire}, wire
	}
	if o.results != nil {
		l.results = &resultStore{Store: l.store, awaiter: awaiter, user: o.results, log: o.log}
		l.store = l.results
		if !o.wireCheck {
			l.store = localResultStore{l.results, local}
		}
	}
	var err error
	l.worker, err = NewWorker(l.broker, l.store, l.mux,
		Concurrency(o.workers), UnknownTypeGrace(0), NoDeadLetters(), Drain(0), Logger(o.log))
	return l, err
}

func (l *localMode) start() {
	ctx, stop := context.WithCancel(background())
	l.stop = stop
	go func() {
		err := l.worker.Run(ctx)
		l.queue.Close() // a worker that ended by itself takes no more tasks
		l.ended <- err
	}()
}

// close ends the queue and waits for the worker, then names what is left.
func (l *localMode) close(drain time.Duration) error {
	l.queue.Close()
	defer l.stop()
	timer := time.NewTimer(drain)
	defer timer.Stop()
	var err error
	select {
	case err = <-l.ended:
	case <-timer.C:
		l.stop()
		err = <-l.ended
	}
	left := l.queue.Discard()
	if running, ok := errors.AsType[*AbandonedError](err); ok {
		left = append(left, running.IDs...) // they may be back in the queue as well
	}
	if len(left) == 0 {
		return err
	}
	slices.Sort(left)
	abandoned := &AbandonedError{IDs: slices.Compact(left)}
	if errors.Is(err, ErrStuck) {
		return errors.Join(ErrStuck, abandoned)
	}
	return abandoned
}

// result asks the program's own store of results first.
func (l *localMode) result(id string) (task.Result, bool, error) {
	if l.results == nil {
		return task.Result{}, false, nil
	}
	return l.results.get(id)
}
