package memory

import (
	"bytes"
	"container/heap"
	"maps"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// where says where an item is.
type where uint8

const (
	ready   where = iota // to be received
	delayed              // not yet
	leased               // received, not acked
	gone                 // acked, dropped, or continued by a later item
)

// item is a message in a queue. When it is gone, another message gets its room.
type item struct {
	msg     port.Message
	queue   *queue
	sentAt  time.Time
	firstAt time.Time // of the first receive of the message
	heldAt  time.Time // of the receive that began this lease
	due     time.Time // when the delay or the lease ends; zero: never
	place   uint64    // in a queue that keeps order
	sentAs  string    // the ID that the sender gave

	receives int32
	pos      int32 // in the schedule; -1: not in it
	where    where
	moved    bool   // from the queue whose dead letters these are
	lease    uint64 // counts all leases that there were in this room
}

// deliver hands the item out. The receiver gets its own copy of everything
// but the Value.
func (it *item) deliver(l *lease, d *port.Delivery) {
	d.Message, d.Receives, d.Moved, d.Handle = it.msg, int(it.receives), it.moved, l
	d.SentAt, d.FirstReceivedAt, d.LeaseEnd = it.sentAt, it.firstAt, it.due
	if d.Body != nil || d.Attributes != nil {
		d.Body, d.Attributes = bytes.Clone(it.msg.Body), maps.Clone(it.msg.Attributes)
	}
}

// drop makes the item's room free for another message. The group is asked for yet.
func (q *queue) drop(it *item) {
	it.where = gone
	it.msg = port.Message{Group: it.msg.Group}
	if len(q.unused) < spare {
		q.unused = append(q.unused, it)
	}
}

// room returns one for a message.
func (q *queue) room() *item {
	n := len(q.unused)
	if n == 0 {
		return &item{queue: q, pos: -1}
	}
	it := q.unused[n-1]
	q.unused = q.unused[:n-1]
	it.firstAt, it.due, it.receives, it.moved = time.Time{}, time.Time{}, 0, false
	return it
}

// schedule holds the items that wait for their time, the earliest first.
type schedule []*item

// set puts an item into the schedule, or moves it to its new time.
func (s *schedule) set(it *item, due time.Time) {
	it.due = due
	if it.pos >= 0 {
		heap.Fix(s, int(it.pos))
		return
	}
	heap.Push(s, it)
}

// remove takes an item out, if it is in.
func (s *schedule) remove(it *item) {
	if it.pos >= 0 {
		heap.Remove(s, int(it.pos))
	}
}

// The rest is heap.Interface.

func (s *schedule) Len() int { return len(*s) }

func (s *schedule) Less(i, j int) bool { return (*s)[i].due.Before((*s)[j].due) }

func (s *schedule) Swap(i, j int) {
	h := *s
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = int32(i), int32(j) //nolint:gosec // that many messages don't fit into memory
}

func (s *schedule) Push(x any) {
	it, _ := x.(*item)
	it.pos = int32(len(*s)) //nolint:gosec // as above
	*s = append(*s, it)
}

func (s *schedule) Pop() any {
	h := *s
	it := h[len(h)-1]
	h[len(h)-1] = nil
	*s, it.pos = h[:len(h)-1], -1
	return it
}
