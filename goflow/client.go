package goflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Broker moves messages; see port.Broker.
type Broker = port.Broker

// Store keeps one record per task; see port.Store.
type Store = port.Store

// Delivery is a message under a lease; see port.Delivery.
type Delivery = port.Delivery

// Record is what a store knows of a task; see port.Record.
type Record = port.Record

// State is where a task stands; see task.State.
type State = task.State

// Client pushes tasks and reads their outcomes. Any number of clients, in any
// number of programs, may share a broker and a store. It is safe for
// concurrent use.
type Client struct {
	backend backend
	shared  shared
	waiters *waiters
	local   *localPush // nil: broker or store is elsewhere
	pushes  gate
}

// backend is what a client works through: a direct or a distant one.
type backend interface {
	loader
	// push takes those that are under way on, and leaves its errors in them.
	push(ctx context.Context, all []*pushed)
	// cancel returns the record that stands then.
	cancel(ctx context.Context, id string) (Record, error)
}

// loader is the reading part of a Store.
type loader interface {
	Load(ctx context.Context, ids []string, fresh bool) ([]Record, error)
}

// NewClient returns a client. It makes no call before the first push or read. Single
// pushes of the same moment go together, in a call that has the context values of the
// first of them, and ends when none of them waits any more. ErrInvalid: an option is bad, or b or s is nil.
func NewClient(b Broker, s Store, opts ...ClientOption) (*Client, error) {
	o, err := newClientOptions(opts)
	switch {
	case err != nil:
	case b == nil:
		err = lacks("client", "broker")
	case s == nil:
		err = lacks("client", "store")
	}
	awaiter, _ := s.(port.Awaiter)
	return &Client{
		backend: newDirect(newRoutes(b, o), s, o.shared.recordTTL),
		shared:  o.shared, waiters: newWaiters(s, awaiter, o.shared.recordTTL),
		local:  newLocalPush(b, s, o.shared.recordTTL),
		pushes: gate{empty: make(chan struct{})},
	}, err
}

func newClientOptions(opts []ClientOption) (clientOptions, error) {
	o := clientOptions{shared: newShared()}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt.applyClient(&o))
	}
	return o, errors.Join(errs...)
}

// Push queues a task whose payload is JSON already; Job.Push encodes it. It
// returns the task's ID, with an error too once there is one. Errors:
//   - ErrInvalid: type, payload or an option is bad;
//   - ErrTooLarge: the payload is over the queue's maximum less 8 KiB;
//   - ErrUnavailable, ErrRefused, ErrClosed, ctx.Err(): the task was not sent;
//   - ErrDuplicateTask, ErrNotUnique: not sent, see ID and Unique;
//   - ErrAmbiguous: it may have been. Pushing it again with the option ID and the
//     returned ID leaves one record, and has one effect if the job is Once or the
//     first push had the ID too.
func (c *Client) Push(ctx context.Context, taskType string, payload json.RawMessage, opts ...PushOption) (string, error) {
	return c.pushOne(ctx, task.Task{Type: taskType, Payload: encoded(payload)}, opts)
}

// encoded is a payload that is JSON already, unlike a json.RawMessage that a
// program pushes as a value of its own.
type encoded json.RawMessage

func (c *Client) pushOne(ctx context.Context, t task.Task, opts []PushOption) (string, error) {
	ids, err := c.PushMany(ctx, []task.Task{t}, opts...)
	return ids[0], port.ItemError(err, 0)
}

// PushMany queues tasks, ten in a call, and returns their IDs in order. The
// error is nil or a port.ItemErrors with the errors of Push by the tasks'
// indexes; the others are queued. A task that has an ID is pushed as by the
// option ID; others get one.
func (c *Client) PushMany(ctx context.Context, tasks []task.Task, opts ...PushOption) ([]string, error) {
	options, err := newPushOptions(len(tasks), opts)
	ids, all := make([]string, len(tasks)), make([]*pushed, len(tasks))
	for i, t := range tasks {
		all[i] = prepare(t, options, cmp.Or(err, ctx.Err()))
		ids[i] = all[i].id
	}
	c.pushAll(ctx, all)
	return ids, failures(all)
}

// pushAll pushes what is under way, unless the client is closed.
func (c *Client) pushAll(ctx context.Context, all []*pushed) {
	if c.pushes.enter() {
		defer c.pushes.leave()
		c.backend.push(ctx, all)
		return
	}
	for _, t := range underWay(all) {
		t.err = errClientClosed()
	}
}

// failures are the errors of tasks by their indexes.
func failures(all []*pushed) error {
	failed := port.ItemErrors{}
	for i, t := range all {
		if t.err != nil {
			failed[i] = t.err
		}
	}
	return failed.Err()
}

// Get returns what is known of a task; State Unknown when there is no record
// (yet). ErrNotFound: there is none and none can come. ErrInvalid: id is not a
// UUID. It reads consistently, so what Get once returned does not go back. What
// is final and was seen by this client in the last minute is not read again.
func (c *Client) Get(ctx context.Context, id string) (_ Record, err error) {
	if id, err = normalID(id); err != nil {
		return Record{}, err
	}
	if rec, ok := c.waiters.recall(id); ok {
		return rec, nil
	}
	rec, err := loadOne(ctx, c.backend, id)
	if err != nil {
		return Record{}, fmt.Errorf("goflow: get %s: %w", id, err)
	}
	c.waiters.tell(rec)
	return rec, missing(rec, c.shared.recordTTL)
}

// missing returns ErrNotFound when rec is absent and too old to come.
func missing(rec Record, ttl time.Duration) error {
	if at := lastHope(rec.ID, ttl); rec.State == task.Unknown && !at.IsZero() && !time.Now().Before(at) {
		return fmt.Errorf("goflow: %s: %w", rec.ID, ErrNotFound)
	}
	return nil
}

// lastHope is until when a task without a record may get one. Zero: its ID does
// not say how old it is.
func lastHope(id string, ttl time.Duration) time.Time {
	made, ok := idTime(id)
	if !ok {
		return time.Time{}
	}
	return made.Add(ttl + clocksDiffer)
}

// Close refuses new pushes with ErrClosed, waits for those under way, and ends
// all waiting with ErrClosed. Reads go on: to wait for a task that has ended
// still answers.
func (c *Client) Close() error {
	c.waiters.close()
	if c.local != nil {
		c.local.waits.close()
	}
	c.pushes.shutAndWait()
	return nil
}

// limitsOf reads b's limits until it answers once, then remembers them.
func limitsOf(b Broker) func(context.Context) (port.Limits, error) {
	limiter, ok := b.(port.Limiter)
	if !ok {
		return func(context.Context) (port.Limits, error) { return port.Limits{}, nil }
	}
	turn := make(chan struct{}, 1) // one asks at a time, and nobody waits longer than they want
	var known *port.Limits
	return func(ctx context.Context) (port.Limits, error) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return port.Limits{}, ctx.Err()
		}
		if known == nil {
			limits, err := limiter.Limits(ctx)
			if err != nil {
				return limits, err
			}
			known = &limits
		}
		return *known, nil
	}
}
