package goflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// NewRemoteClient returns a client that has no broker and no store of its own:
// r's other side has them. It does all that others do, at the price of one more
// way. Single pushes at the same time go together: the first at once, those that
// come while it is under way with the next call, which has the context values of
// the first of them: use one client for each identity. ErrInvalid: r is nil, an option is
// bad, or Queues is given, as the other side knows the queues that OnQueue names;
// RecordTTL should be that of the other side.
func NewRemoteClient(r port.Remote, opts ...ClientOption) (*Client, error) {
	o, err := newClientOptions(opts)
	if err == nil && len(o.queues) > 0 {
		err = invalid("Queues on a remote client: leave it out, and name them on the other side")
	}
	if err == nil && r == nil {
		err = lacks("client", "remote")
	}
	return &Client{
		backend: newDistant(r), shared: o.shared, waiters: newWaiters(r, nil, o.shared.recordTTL),
		pushes: gate{empty: make(chan struct{})},
	}, err
}

// distant is a client's way over a Remote.
type distant struct {
	port.Remote
	pushes *group[port.Push, struct{}]
}

func newDistant(r port.Remote) *distant {
	return &distant{Remote: r, pushes: newGroup(port.MaxPushes, func(ctx context.Context, some []port.Push) ([]struct{}, error) { return nil, r.Push(ctx, some) })}
}

func (d *distant) cancel(ctx context.Context, id string) (Record, error) { return d.Cancel(ctx, id) }

func (d *distant) push(ctx context.Context, all []*pushed) {
	pushes := make(map[*pushed]port.Push, len(all))
	for _, t := range underWay(all) {
		pushes[t], t.err = t.remote()
	}
	inTurn(all, port.MaxPushes, func(chunk []*pushed) {
		some := make([]port.Push, len(chunk))
		for i, t := range chunk {
			some[i] = pushes[t]
		}
		_, err := d.pushes.join(ctx, some)
		for i, t := range chunk {
			if t.err = port.ItemError(err, i); errors.Is(t.err, errUnsent) || errors.Is(t.err, errFlown) {
				t.fail(doubted(t.err))
			}
		}
	})
}

// remote is the task as the other side is told of it.
func (t *pushed) remote() (port.Push, error) {
	o := t.options
	p := port.Push{
		ID: t.id, Chosen: t.chosen, Type: t.taskType, Headers: o.headers, Queue: o.queue, Delay: o.delay, ExpiresIn: o.expiresIn,
		Track: o.track, UniqueKey: o.unique.name, UniqueFor: o.unique.ttl, Group: o.group, FairKey: o.fairKey,
		MaxAttempts: o.policy.maxAttempts, Timeout: o.policy.timeout, BackoffBase: o.policy.backoffBase, BackoffCap: o.policy.backoffCap,
	}
	var err error
	p.Payload, err = t.encodePayload()
	return p, err
}

// served is the other side of a remote client.
type served struct{ client *Client }

// Remote is what a server serves: what remote clients ask for is done as the
// client's own, and judged as its own options are. After Close it refuses pushes
// with ErrClosed.
func (c *Client) Remote() port.Remote { return served{c} }

func (s served) Push(ctx context.Context, pushes []port.Push) error {
	if len(pushes) > port.MaxPushes {
		return fmt.Errorf("goflow: %w push of %d tasks: give %d at most", ErrInvalid, len(pushes), port.MaxPushes)
	}
	all := make([]*pushed, len(pushes))
	for i := range pushes {
		p := &pushes[i]
		options, err := newPushOptions(1, pushOptionsOf(p))
		if err == nil {
			err = ctx.Err()
		}
		if len(p.Payload) == 0 {
			p.Payload = []byte("null")
		}
		all[i] = prepare(task.Task{Type: p.Type, Payload: encoded(p.Payload)}, options, err)
		if p.ID != "" && all[i].err == nil {
			all[i].id, all[i].err = normalID(p.ID)
		}
		p.ID = all[i].id
	}
	s.client.pushAll(ctx, all)
	return failures(all)
}

// pushOptionsOf are the options that a program would have given.
func pushOptionsOf(p *port.Push) (opts []PushOption) {
	add := func(given bool, o PushOption) {
		if given {
			opts = append(opts, o)
		}
	}
	add(p.Chosen, ID(p.ID))
	add(len(p.Headers) > 0, Headers(p.Headers))
	add(p.Queue != "", OnQueue(p.Queue))
	add(p.Delay != 0, Delay(p.Delay))
	add(p.ExpiresIn != 0, ExpiresIn(p.ExpiresIn))
	add(p.Track, Track())
	add(p.UniqueKey != "" || p.UniqueFor != 0, Unique(p.UniqueKey, p.UniqueFor))
	add(p.Group != "", Group(p.Group))
	add(p.FairKey != "", FairKey(p.FairKey))
	add(p.MaxAttempts != 0, MaxAttempts(p.MaxAttempts))
	add(p.Timeout != 0, Timeout(p.Timeout))
	add(p.BackoffBase != 0 || p.BackoffCap != 0, Backoff(p.BackoffBase, p.BackoffCap))
	return opts
}

func (s served) Load(ctx context.Context, ids []string, fresh bool) ([]Record, error) {
	if len(ids) > port.MaxReads {
		return nil, fmt.Errorf("goflow: %w read of %d tasks: give %d at most", ErrInvalid, len(ids), port.MaxReads)
	}
	normal := make([]string, len(ids))
	for i, id := range ids {
		var err error
		if normal[i], err = normalID(id); err != nil {
			return nil, err
		}
	}
	recs := make([]Record, len(ids))
	err := retryItems(ctx, len(ids), func(items []int) error {
		some := make([]string, len(items))
		for place, item := range items {
			some[place] = normal[item]
		}
		got, err := s.client.backend.Load(ctx, some, fresh)
		for place := range got {
			recs[items[place]] = got[place]
		}
		return err
	})
	return encodedResults(recs, err)
}

// encodedResults are records as they can travel: of an in-process store's, the
// result is a value.
func encodedResults(recs []Record, err error) ([]Record, error) {
	errs := port.ItemErrors{}
	for i := range recs {
		itemErr := port.ItemError(err, i)
		if itemErr == nil && recs[i].Value != nil {
			recs[i].Result, itemErr = marshal(recs[i].Value)
			recs[i].Value = nil
		}
		if itemErr != nil {
			errs[i] = itemErr
		}
	}
	return recs, errs.Err()
}

func (s served) Cancel(ctx context.Context, id string) (Record, error) {
	return s.client.cancel(ctx, id)
}
