package goflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	routes routes
	store  Store
	shared shared

	mu     sync.RWMutex // held for reading by pushes under way
	closed bool
}

// NewClient returns a client. It makes no call before the first push or read.
func NewClient(b Broker, s Store, opts ...ClientOption) (*Client, error) {
	o := clientOptions{shared: newShared()}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt.applyClient(&o))
	}
	return &Client{routes: newRoutes(b, o.queues), store: s, shared: o.shared}, errors.Join(errs...)
}

// Push queues a task whose payload is JSON already; Job.Push encodes it. It
// returns the task's ID, with an error too once there is one. Errors:
//   - ErrInvalid: type, payload or an option is bad;
//   - ErrTooLarge: the payload is over the queue's maximum less 8 KiB;
//   - ErrUnavailable, ErrRefused, ErrClosed, ctx.Err(): the task was not sent;
//   - ErrAmbiguous: it may have been. Pushing again may run it twice.
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
// indexes; the others are queued. Task.ID has to be empty.
func (c *Client) PushMany(ctx context.Context, tasks []task.Task, opts ...PushOption) ([]string, error) {
	ids := make([]string, len(tasks))
	failed := port.ItemErrors{}
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.newPushing(ctx, opts)
	var ready []int
	msgs := make([]port.Message, len(tasks))
	for i, t := range tasks {
		ids[i] = newID(time.Now())
		var err error
		if msgs[i], err = p.message(ids[i], t); err != nil {
			failed[i] = err
			continue
		}
		ready = append(ready, i)
	}
	held := false // behind a task that was not sent
	for chunk := range slices.Chunk(ready, port.MaxMessages) {
		err := p.options.heldBack()
		if !held {
			err = p.send(ctx, msgs, chunk)
		}
		for place, i := range chunk {
			if err := port.ItemError(err, place); err != nil {
				held = p.options.group != ""
				failed[i] = fmt.Errorf("goflow: push %s: %w", tasks[i].Type, err)
			}
		}
	}
	return ids, failed.Err()
}

// send sends the messages of a chunk, and again those that were unavailable.
func (p *pushing) send(ctx context.Context, msgs []port.Message, chunk []int) error {
	return retryItems(ctx, len(chunk), func(items []int) error {
		batch := make([]port.Message, len(items))
		for place, item := range items {
			batch[place] = msgs[chunk[item]]
		}
		return p.route.broker.Send(ctx, batch)
	})
}

// pushing is what the tasks of one PushMany have in common.
type pushing struct {
	*Client
	options pushOptions
	route   route
	limits  port.Limits
	err     error // of all of them
}

// newPushing reads options and limits once. The caller holds c.mu.
func (c *Client) newPushing(ctx context.Context, opts []PushOption) *pushing {
	p := &pushing{Client: c}
	errs := []error{ctx.Err()}
	for _, opt := range opts {
		errs = append(errs, opt.applyPush(&p.options))
	}
	if c.closed {
		errs = append(errs, fmt.Errorf("goflow: client: %w", ErrClosed))
	}
	if p.err = errors.Join(errs...); p.err != nil {
		return p
	}
	if p.route, p.err = c.routes.find(p.options.queue); p.err != nil {
		return p
	}
	if p.limits, p.err = p.route.limits(ctx); p.err != nil {
		p.err = fmt.Errorf("goflow: push: %w", p.err)
	} else {
		p.err = p.options.fit(p.limits)
	}
	return p
}

// message makes the message of one task.
func (p *pushing) message(id string, t task.Task) (port.Message, error) {
	if err := cmp.Or(validType(t.Type), p.err); err != nil {
		return port.Message{}, err
	}
	if t.ID != "" {
		return port.Message{}, fmt.Errorf("goflow: %w task: ID %q is set, but Push makes the IDs", ErrInvalid, t.ID)
	}
	e := &envelope{
		Version: wireVersion, ID: id, Type: t.Type, Headers: p.options.headers,
		TTL: p.options.ttl.Milliseconds(), Options: newWireOptions(p.options.policy),
	}
	msg := port.Message{ID: id, Delay: p.options.delay, Group: cmp.Or(p.options.group, p.options.fairKey)}
	err := p.fill(&msg, e, t.Payload)
	return msg, err
}

// fill puts the envelope into msg: as it is towards an in-process broker, else
// as JSON.
func (p *pushing) fill(msg *port.Message, e *envelope, payload any) (err error) {
	raw, isRaw := payload.(encoded)
	if isRaw && !json.Valid(raw) {
		return fmt.Errorf("goflow: %w payload of %s: not valid JSON", ErrInvalid, e.Type)
	}
	e.Payload = json.RawMessage(raw)
	if _, ok := p.route.broker.(port.InProcess); ok {
		e.value, e.hasValue = payload, !isRaw
		msg.Value = e
		return nil
	}
	if !isRaw {
		if e.Payload, err = marshal(payload); err != nil {
			return fmt.Errorf("goflow: %w payload of %s: %w", ErrInvalid, e.Type, err)
		}
	}
	if msg.Body, err = e.encode(); err != nil {
		return err
	}
	if most := p.limits.MaxMessageBytes - envelopeReserve; p.limits.MaxMessageBytes > 0 && len(msg.Body) > most {
		return fmt.Errorf("goflow: push %s: message of %d bytes is %w: this queue takes %d", e.Type, len(msg.Body), ErrTooLarge, most)
	}
	return nil
}

// Get returns what is known of a task; State Unknown when there is no record
// (yet). ErrNotFound: there is none and none can come. ErrInvalid: id is not a
// UUID. It reads consistently, so what Get once returned does not go back.
func (c *Client) Get(ctx context.Context, id string) (Record, error) {
	if _, ok := parseID(id); !ok {
		return Record{}, fmt.Errorf("goflow: %w task ID %.60q: give a UUID", ErrInvalid, id)
	}
	var recs []Record
	err := retryOne(ctx, func() (err error) {
		recs, err = c.store.Load(ctx, []string{id}, true)
		return err
	})
	if err != nil {
		return Record{}, fmt.Errorf("goflow: get %s: %w", id, err)
	}
	return recs[0], c.missing(recs[0])
}

// missing returns ErrNotFound when rec is absent and too old to come.
func (c *Client) missing(rec Record) error {
	const clocks = time.Hour // what client and worker clocks may differ by
	if made, ok := idTime(rec.ID); rec.State == task.Unknown && ok && time.Since(made) > c.shared.recordTTL+clocks {
		return fmt.Errorf("goflow: %s: %w", rec.ID, ErrNotFound)
	}
	return nil
}

// Cancel gives the task the outcome Cancelled if it has none yet: waiters
// return at once, no retry follows and a late result is discarded. A first run
// may still take place unless the job is Cancellable. ErrFinished: too late.
func (c *Client) Cancel(ctx context.Context, id string) error {
	rec, err := c.Get(ctx, id)
	if err != nil {
		return err
	}
	if rec.State.Terminal() {
		return fmt.Errorf("goflow: cancel %s: %w", id, ErrFinished)
	}
	err = retryOne(ctx, func() error {
		return c.store.Save(ctx, []Record{{
			ID: id, State: task.Cancelled, Generation: max(rec.Generation, 1), Attempts: rec.Attempts,
			Expires: time.Now().Add(c.shared.recordTTL),
		}})
	})
	if err != nil {
		return fmt.Errorf("goflow: cancel %s: %w", id, err)
	}
	return nil
}

// Close refuses new pushes with ErrClosed and waits for those under way. Reads
// go on.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// limitsOf reads b's limits until it answers once, then remembers them.
func limitsOf(b Broker) func(context.Context) (port.Limits, error) {
	limiter, ok := b.(port.Limiter)
	if !ok {
		return func(context.Context) (port.Limits, error) { return port.Limits{}, nil }
	}
	var mu sync.Mutex
	var known *port.Limits
	return func(ctx context.Context) (port.Limits, error) {
		mu.Lock()
		defer mu.Unlock()
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
