package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// What SQS allows.
const (
	maxDelay        = 15 * time.Minute
	maxHold         = 12 * time.Hour
	maxMessageBytes = 1 << 20
)

// Broker is a strict port.Broker: it enforces the limits of SQS.
//
//   - Send: port.ErrInvalid for more than ten attributes, a bad name, an empty
//     value, characters that SQS refuses in a body, an empty body, a Value, a
//     delay over 15 minutes; port.ErrTooLarge over MaxMessageBytes.
//   - Extend: port.ErrLeaseLost under a lease that has ended; port.ErrInvalid
//     for a lease of more than 12 hours since the receive.
//   - Ack under a lease that has ended leaves the message where it is.
//   - All: port.ErrInvalid for the whole call of no item or more than ten.
//
// It also is a port.Limiter, a port.Orderer and a port.Sizer, whose sizes are exact. Groups are
// ignored unless it is Ordered.
type Broker struct {
	q        *queue
	maxBytes int
}

var (
	_ port.Broker  = (*Broker)(nil)
	_ port.Limiter = (*Broker)(nil)
	_ port.Orderer = (*Broker)(nil)
	_ port.Sizer   = (*Broker)(nil)
)

// NewBroker returns an empty broker. The options say what is not as in the
// queue that GoFlow provisions: leases of a minute, a poll wait of 20 seconds,
// seven days of retention, one MiB a message, no dead letters.
func NewBroker(opts ...BrokerOption) *Broker {
	b := &Broker{
		q: &queue{
			clock:     newClock(),
			lease:     time.Minute,
			maxHold:   maxHold,
			pollWait:  20 * time.Second,
			retention: 7 * 24 * time.Hour,
		},
		maxBytes: maxMessageBytes,
	}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// Close ends the broker: Send fails with port.ErrClosed from now on, and where
// it is blocked. Receive goes on handing out what is queued, what is delayed
// and what comes back from a lease; when nothing is left it returns
// port.ErrClosed. Extend and Ack work as before. Closing twice does nothing.
func (b *Broker) Close() { b.q.close() }

// Send implements port.Broker. It fails for a single message as Broker says,
// and with port.ErrClosed; with port.ErrUnavailable when ctx has ended, or ends
// while the broker is full.
func (b *Broker) Send(ctx context.Context, msgs []port.Message) error {
	if err := fits("send", len(msgs), port.MaxMessages); err != nil {
		return err
	}
	return each(len(msgs), func(i int) error {
		m := &msgs[i]
		if err := cmp.Or(b.check(m), b.q.checkOrder(m)); err != nil {
			return fmt.Errorf("memory: send: %w", err)
		}
		return b.q.send(ctx, queued{id: newID()}, m)
	})
}

// item makes one of a message.
func (q *queue) item(m *port.Message, id string) *item {
	it := q.room()
	it.msg, it.sentAs = *m, m.ID
	it.msg.ID, it.msg.Delay = id, 0
	it.msg.Body, it.msg.Attributes = bytes.Clone(m.Body), maps.Clone(m.Attributes)
	return it
}

// Receive implements port.Broker.
func (b *Broker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	if err := fits("receive", len(into), port.MaxMessages); err != nil {
		return 0, err
	}
	return b.q.receive(ctx, into)
}

// Extend implements port.Broker.
func (b *Broker) Extend(ctx context.Context, leases []port.Lease) error {
	if err := callable(ctx, "extend", len(leases)); err != nil {
		return err
	}
	return each(len(leases), func(i int) error { return b.q.extend(leases[i]) })
}

// Ack implements port.Broker.
func (b *Broker) Ack(ctx context.Context, ds []port.Delivery) error {
	if err := callable(ctx, "ack", len(ds)); err != nil {
		return err
	}
	return each(len(ds), func(i int) error { return b.q.ack(&ds[i]) })
}

// Limits implements port.Limiter. It never fails.
func (b *Broker) Limits(context.Context) (port.Limits, error) {
	return port.Limits{
		MaxMessageBytes: b.maxBytes,
		MaxDelay:        maxDelay,
		MaxReceives:     int(b.q.maxReceives),
		Retention:       b.q.retention,
		Lease:           b.q.lease,
		PollWait:        b.q.pollWait,
		Ordered:         b.Ordered(),
	}, nil
}

// Ordered implements port.Orderer.
func (b *Broker) Ordered() bool { return b.q.order != nil }

// Size implements port.Sizer. It never fails. Messages older than the retention
// count until somebody would have received them.
func (b *Broker) Size(context.Context) (port.Size, error) { return b.q.size(), nil }

// fits says whether a call has as many items as it may have.
func fits(call string, n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("memory: %s: %d items in a call, want 1 to %d: %w", call, n, most, port.ErrInvalid)
	}
	return nil
}

// callable says whether a call of Extend or Ack can be made: as over a
// network, it cannot when ctx has ended.
func callable(ctx context.Context, call string, n int) error {
	if err := ctx.Err(); err != nil {
		return notDone(call, err)
	}
	return fits(call, n, port.MaxMessages)
}
