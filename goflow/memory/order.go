package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// dedupWindow is how long SQS knows an ID again.
const dedupWindow = 5 * time.Minute

// order is what a queue that keeps order knows besides. Of each group at most one
// item is ready: the head, and only while nothing of the group is leased.
type order struct {
	last   uint64            // place of the item sent last
	groups map[string]*group // those that hold anything
	behind int               // items of all groups behind their heads

	recent map[string]time.Time // IDs and when they were sent
	sent   ring[string]         // the same IDs, the oldest first
}

// group is the items of one group that are not gone.
type group struct {
	head   *item   // ready; nil: there is none, or an item is leased
	behind []*item // that are to be ready later, as they were sent
	leased int
}

func newOrder() *order {
	return &order{groups: map[string]*group{}, recent: map[string]time.Time{}}
}

// add gives an item that is new to the queue its place.
func (o *order) add(it *item) {
	o.last++
	it.place = o.last
	if it.msg.Group == "" {
		it.msg.Group = it.msg.ID
	}
}

// known says whether the ID was sent a short while ago, and remembers it.
func (o *order) known(id string, now time.Time) bool {
	for {
		oldest, ok := o.sent.peek()
		if !ok || now.Sub(o.recent[oldest]) < dedupWindow {
			break
		}
		o.sent.pop()
		delete(o.recent, oldest)
	}
	if _, ok := o.recent[id]; ok {
		return true
	}
	o.recent[id] = now
	o.sent.push(id)
	return false
}

// enqueue puts an item that may be received behind those of its group that were
// sent before it.
func (o *order) enqueue(it *item) *group {
	g := o.groups[it.msg.Group]
	if g == nil {
		g = &group{}
		o.groups[it.msg.Group] = g
	}
	at, _ := slices.BinarySearchFunc(g.behind, it, func(a, b *item) int { return cmp.Compare(a.place, b.place) })
	g.behind = slices.Insert(g.behind, at, it)
	o.behind++
	return g
}

// shift returns the first of those behind the head; nil when there is none.
func (o *order) shift(g *group) *item {
	if len(g.behind) == 0 {
		return nil
	}
	it := g.behind[0]
	g.behind = g.behind[1:]
	o.behind--
	return it
}

// The queue's side. Without an order every item is ready at once.

// checkOrder says what a FIFO queue of SQS would refuse.
func (q *queue) checkOrder(m *port.Message) error {
	switch {
	case q.order == nil:
		return nil
	case m.Delay > 0:
		return fmt.Errorf("a delay of %v: a queue that keeps order takes none: %w", m.Delay, port.ErrInvalid)
	case m.ID == "" || len(m.ID) > maxGroup || !only(m.ID, groupByte):
		return fmt.Errorf("ID %q: a queue that keeps order needs one: %w", m.ID, port.ErrInvalid)
	}
	return nil
}

// enter puts an item that was sent just now, unless it is a copy.
func (q *queue) enter(it *item, delay time.Duration) {
	it.sentAt = q.clock.now()
	if q.order != nil {
		if q.order.known(it.sentAs, it.sentAt) {
			return
		}
		q.order.add(it)
	}
	q.put(it, delay)
}

// offer makes the next item of a group ready, if it may be.
func (q *queue) offer(name string) {
	g := q.order.groups[name]
	if g.head != nil || g.leased > 0 {
		return
	}
	if g.head = q.order.shift(g); g.head == nil {
		delete(q.order.groups, name)
		return
	}
	q.enqueue(queued{item: g.head})
}

// nextReady returns the item to receive: another of the same group where there is
// one, as SQS does, else the oldest of those that are ready.
func (q *queue) nextReady(after *item) (queued, bool) {
	if q.order == nil {
		return q.ready.pop()
	}
	if after != nil {
		if it := q.order.shift(q.order.groups[after.msg.Group]); it != nil {
			return queued{item: it}, true
		}
		q.leave(after)
	}
	w, ok := q.ready.pop()
	if ok {
		q.order.groups[w.item.msg.Group].head = nil
	}
	return w, ok
}

// leave goes on to another group.
func (q *queue) leave(after *item) {
	if q.order != nil && after != nil {
		q.offer(after.msg.Group)
	}
}

// released takes an item out of what is leased.
func (q *queue) released(it *item) {
	q.leased.Add(-1)
	if q.order != nil {
		q.order.groups[it.msg.Group].leased--
	}
}

// waiting is how many items are there to be received, now or behind others.
func (q *queue) waiting() int {
	if q.order == nil {
		return q.ready.n
	}
	return q.ready.n + q.order.behind
}
