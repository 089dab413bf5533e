package memory

import (
	"context"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// LocalBroker is the port.Broker of local mode. It is port.InProcess: a
// message's Value comes out as the Go value that went in. It refuses no
// message, its leases never end by themselves, and Receive blocks until there
// is a message. The ID of a message stays what it was; an empty one becomes a
// random UUID.
//
// It also is a port.Limiter, without limits, and a port.Sizer, whose sizes are
// exact. Groups are ignored.
type LocalBroker struct{ q *queue }

var (
	_ port.Broker    = (*LocalBroker)(nil)
	_ port.InProcess = (*LocalBroker)(nil)
	_ port.Putter    = (*LocalBroker)(nil)
	_ port.Limiter   = (*LocalBroker)(nil)
	_ port.Sizer     = (*LocalBroker)(nil)
)

// NewLocalBroker returns an empty broker for up to capacity messages; 0: for
// any number. While so many are waiting or delayed, Send blocks. What is leased
// doesn't count, and what is given back always has room: so a worker never
// waits for itself.
func NewLocalBroker(capacity int) *LocalBroker {
	return &LocalBroker{q: &queue{capacity: capacity, clock: newClock()}}
}

// InProcess marks the broker as one that keeps Values.
func (b *LocalBroker) InProcess() {}

// Close ends the broker: Send fails with port.ErrClosed from now on, and where
// it is blocked. Receive goes on handing out what is queued, what is delayed
// and what is given back; when nothing is left, leased messages included, it
// returns port.ErrClosed. Extend and Ack work as before. Closing twice does
// nothing.
func (b *LocalBroker) Close() { b.q.close() }

// Send implements port.Broker. It fails with port.ErrClosed, and with
// port.ErrUnavailable when ctx has ended, or ends while the broker is full.
func (b *LocalBroker) Send(ctx context.Context, msgs []port.Message) error {
	return each(len(msgs), func(i int) error {
		m := &msgs[i]
		id := m.ID
		if id == "" {
			id = newID()
		}
		if m.Value != nil && m.Body == nil && m.Attributes == nil && m.Group == "" && m.Delay <= 0 {
			return b.q.send(ctx, queued{id: id, value: m.Value, sentAt: b.q.clock.since()}, nil)
		}
		return b.q.send(ctx, queued{id: id}, m)
	})
}

// Put implements port.Putter.
func (b *LocalBroker) Put(ctx context.Context, id string, value any, sentAt time.Time) error {
	return b.q.send(ctx, queued{id: id, value: value, sentAt: sentAt.Sub(b.q.clock.began)}, nil)
}

// Receive implements port.Broker.
func (b *LocalBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	return b.q.receive(ctx, into)
}

// Extend implements port.Broker. It works whatever became of ctx. A negative
// time is port.ErrInvalid.
func (b *LocalBroker) Extend(_ context.Context, leases []port.Lease) error {
	return each(len(leases), func(i int) error { return b.q.extend(leases[i]) })
}

// Ack implements port.Broker. It works whatever became of ctx.
func (b *LocalBroker) Ack(_ context.Context, ds []port.Delivery) error {
	return each(len(ds), func(i int) error { return b.q.ack(&ds[i]) })
}

// Limits implements port.Limiter: there are none.
func (b *LocalBroker) Limits(context.Context) (port.Limits, error) { return port.Limits{}, nil }

// Size implements port.Sizer. It never fails.
func (b *LocalBroker) Size(context.Context) (port.Size, error) { return b.q.size(), nil }
