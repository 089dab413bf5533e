package goflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	testLease = 30 * time.Second
	testPoll  = 20 * time.Second
)

// world is a queue, its dead letters and a store, all strict, with a worker on
// demand. It lives in a synctest bubble, so time is free.
type world struct {
	*testing.T
	queue, dead *memory.Broker
	records     *memory.Store
	broker      port.Broker // queue, or a fault in front of it
	store       port.Store  // records, or a fault in front of it
	mux         *goflow.Mux
	client      *goflow.Client
}

func inWorld(t *testing.T, f func(w *world), opts ...memory.BrokerOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		w := &world{T: t, mux: goflow.NewMux()}
		w.dead = memory.NewBroker(append(opts, memory.Lease(testLease), memory.PollWait(time.Second))...)
		w.records = memory.NewStore()
		w.lease(testLease, opts...)
		f(w)
		soon() // calls that nobody waits for any more
	})
}

// lease makes a queue of messages that are leased for so long.
func (w *world) lease(d time.Duration, opts ...memory.BrokerOption) {
	w.Helper()
	w.queue = memory.NewBroker(append(opts, memory.Lease(d), memory.PollWait(testPoll))...)
	w.broker, w.store = w.queue, w.records
	var err error
	w.client, err = goflow.NewClient(w.queue, w.records)
	require.NoError(w, err)
}

// settleTime is what the storing of an outcome may take.
const settleTime = 30 * time.Second

// soon is when everything has happened that takes no time of its own.
func soon() {
	time.Sleep(10 * time.Microsecond)
	synctest.Wait()
}

func (w *world) newWorker(opts ...goflow.WorkerOption) *goflow.Worker {
	w.Helper()
	opts = append([]goflow.WorkerOption{goflow.DeadLetters(w.dead), goflow.Concurrency(4)}, opts...)
	worker, err := goflow.NewWorker(w.broker, w.store, w.mux, opts...)
	require.NoError(w, err)
	return worker
}

// start runs a worker and returns what stops it and its error.
func (w *world) start(opts ...goflow.WorkerOption) (stop func() error) {
	w.Helper()
	worker := w.newWorker(opts...)
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// process takes one delivery of the queue through a processor, as a home
// would, and returns its outcome.
func (w *world) process(p *goflow.Processor, d goflow.Delivery) goflow.Outcome {
	w.Helper()
	o := p.Process(w.Context(), d)
	switch o.Action {
	case goflow.Ack:
		require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
	case goflow.Release:
		require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: d, For: o.After}}))
	case goflow.Leave:
	}
	return o
}

func (w *world) newProcessor(opts ...goflow.WorkerOption) *goflow.Processor {
	w.Helper()
	p, err := goflow.NewProcessor(w.broker, w.store, w.mux, append([]goflow.WorkerOption{goflow.DeadLetters(w.dead)}, opts...)...)
	require.NoError(w, err)
	return p
}

func (w *world) push(taskType string, payload any, opts ...goflow.PushOption) string {
	w.Helper()
	raw, err := json.Marshal(payload)
	require.NoError(w, err)
	id, err := w.client.Push(w.Context(), taskType, raw, opts...)
	require.NoError(w, err)
	return id
}

func (w *world) wait(id string) goflow.Record {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 24*time.Hour)
	defer cancel()
	rec, err := w.client.Wait(ctx, id)
	require.NoError(w, err)
	return rec
}

// receive returns the next delivery of b, waiting for it a day at most.
func (w *world) receive(b port.Broker) goflow.Delivery {
	w.Helper()
	into := make([]port.Delivery, 1)
	for begin := time.Now(); time.Since(begin) < 24*time.Hour; {
		n, err := b.Receive(w.Context(), into)
		require.NoError(w, err)
		if n == 1 {
			return into[0]
		}
	}
	require.FailNow(w, "no message came")
	return goflow.Delivery{}
}

// deadLetter receives a dead letter and reads its attribute.
func (w *world) deadLetter() (goflow.Delivery, map[string]any) {
	w.Helper()
	d := w.receive(w.dead)
	var note map[string]any
	require.NoError(w, json.Unmarshal([]byte(d.Attributes["goflow-dead"]), &note))
	require.NoError(w, w.dead.Ack(w.Context(), []port.Delivery{d}))
	return d, note
}

func (w *world) requireEmpty(b *memory.Broker) {
	w.Helper()
	size, err := b.Size(w.Context())
	require.NoError(w, err)
	require.Zero(w, size)
}

// calls is what the fault ports saw, in order.
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, name)
}

func (c *calls) count(name string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, called := range c.list {
		if called == name {
			n++
		}
	}
	return n
}

// faultyStore fails calls by name, before or after they have done their work.
type faultyStore struct {
	port.Store
	calls
	before, after func(method string) error
}

func (s *faultyStore) around(method string, call func() error) error {
	s.add(method)
	if s.before != nil {
		if err := s.before(method); err != nil {
			return err
		}
	}
	err := call()
	if err == nil && s.after != nil {
		err = s.after(method)
	}
	return err
}

func (s *faultyStore) Save(ctx context.Context, recs []port.Record) error {
	return s.around("save", func() error { return s.Store.Save(ctx, recs) })
}

func (s *faultyStore) Load(ctx context.Context, ids []string, fresh bool) (recs []port.Record, err error) {
	err = s.around("load", func() (err error) {
		recs, err = s.Store.Load(ctx, ids, fresh)
		return err
	})
	return recs, err
}

// faultyBroker is the same for brokers. It forwards the limits by name.
type faultyBroker struct {
	port.Broker
	calls
	before func(method string) error
}

func (b *faultyBroker) Limits(ctx context.Context) (port.Limits, error) {
	limiter, ok := b.Broker.(port.Limiter)
	if !ok {
		return port.Limits{}, errors.New("the broker beneath has no limits")
	}
	return limiter.Limits(ctx)
}

func (b *faultyBroker) fails(method string) error {
	b.add(method)
	if b.before == nil {
		return nil
	}
	return b.before(method)
}

func (b *faultyBroker) Send(ctx context.Context, msgs []port.Message) error {
	if err := b.fails("send"); err != nil {
		return err
	}
	return b.Broker.Send(ctx, msgs)
}

func (b *faultyBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	if err := b.fails("receive"); err != nil {
		return 0, err
	}
	return b.Broker.Receive(ctx, into)
}

func (b *faultyBroker) Extend(ctx context.Context, leases []port.Lease) error {
	if err := b.fails("extend"); err != nil {
		return err
	}
	return b.Broker.Extend(ctx, leases)
}

func (b *faultyBroker) Ack(ctx context.Context, ds []port.Delivery) error {
	if err := b.fails("ack"); err != nil {
		return err
	}
	return b.Broker.Ack(ctx, ds)
}
