package memory

import (
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// queued is what is ready: an item, or the short form of a message of local mode that is
// nothing but a value. Nearly all messages of local mode are short all their lives: received once, and
// acked. They take a fraction of the time, most of which goes into what one processor
// reads after another has written it.
type queued struct {
	item   *item // nil: it is short
	id     string
	value  any
	sentAt time.Duration // by the queue's clock
}

// lease is a handle: it names one lease, and no later one. A short message is its lease
// until it is given back; then it becomes an item.
type lease struct {
	queue  *queue
	over   atomic.Bool // as a short one: it was acked, or is an item
	id     string      // of a short one, as the next three
	value  any
	sentAt time.Duration
	heldAt time.Duration

	item   *item // guarded by the queue's mutex; nil: it is short, or was to its end
	number uint64
}

// stands reports whether the lease of an item has not ended. The caller holds the mutex.
func (l *lease) stands() bool {
	return l.item != nil && l.item.where == leased && l.item.lease == l.number
}

// holdShort begins the lease of a short message.
func (q *queue) holdShort(w queued, into *port.Delivery) {
	q.leased.Add(1)
	l := q.leases.one()
	l.queue, l.id, l.value, l.sentAt, l.heldAt = q, w.id, w.value, w.sentAt, q.clock.since()
	held := q.clock.began.Add(l.heldAt)
	*into = port.Delivery{
		Message: port.Message{ID: w.id, Value: w.value}, Receives: 1,
		SentAt: q.clock.began.Add(w.sentAt), FirstReceivedAt: held, Handle: l,
	}
}

// ackShort is ack for a short message, and tells whether it is one. It takes no lock
// unless somebody may wait for the last ack.
func (q *queue) ackShort(l *lease) bool {
	if !l.over.CompareAndSwap(false, true) {
		return false
	}
	l.value = nil // its neighbours may be held for long
	q.leased.Add(-1)
	if q.closed.Load() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.releaseReceivers()
	}
	return true
}

// lengthen makes an item of a short message, under the same lease. The caller holds the
// mutex.
func (l *lease) lengthen() {
	if !l.over.CompareAndSwap(false, true) {
		return
	}
	it := l.queue.room()
	it.msg = port.Message{ID: l.id, Value: l.value}
	it.sentAt, it.firstAt = l.queue.clock.began.Add(l.sentAt), l.queue.clock.began.Add(l.heldAt)
	it.heldAt, it.receives, it.where = it.firstAt, 1, leased
	it.lease++
	l.item, l.number, l.value = it, it.lease, nil
}
