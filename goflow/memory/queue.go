package memory

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// queue is the engine of both brokers. It wakes only those who sleep, and has
// no goroutine: while a receiver sleeps, one timer waits for the next item
// whose time comes; otherwise whoever calls looks first what is due.
type queue struct {
	// Fixed; zero means that there is none.
	lease       time.Duration
	maxHold     time.Duration // from the receive on, all extensions included
	pollWait    time.Duration
	retention   time.Duration
	capacity    int
	maxReceives int32
	dead        *queue // where messages go after maxReceives
	order       *order // nil: none is kept

	mu        sync.Mutex
	ready     ring[queued]
	scheduled schedule // delayed, or leased with an end
	delayed   int
	leased    atomic.Int64
	receivers waitlist
	senders   waitlist
	clock     clock
	leases    slab[lease]
	unused    []*item
	timer     *time.Timer
	timerAt   time.Time // what the timer is set to; zero: it is not
	closed    atomic.Bool
}

// close lets the senders go, and the receivers when there is nothing left.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed.Store(true)
	q.senders.wakeAll()
	q.releaseReceivers()
}

// releaseReceivers wakes everybody when nothing can come any more.
func (q *queue) releaseReceivers() {
	if q.over() {
		q.receivers.wakeAll()
	}
}

// over reports whether the queue is closed and empty. What is leased may come
// back, so it counts.
func (q *queue) over() bool {
	return q.closed.Load() && q.waiting()+q.delayed+int(q.leased.Load()) == 0
}

// full reports whether a sender has to wait. What is leased does not count.
func (q *queue) full() bool {
	return q.capacity > 0 && q.waiting()+q.delayed >= q.capacity
}

// put adds an item that nobody has received yet.
func (q *queue) put(it *item, delay time.Duration) {
	if delay <= 0 {
		q.makeReady(it)
		return
	}
	it.where = delayed
	q.delayed++
	q.scheduled.set(it, it.sentAt.Add(delay))
	q.setTimer()
}

func (q *queue) makeReady(it *item) {
	it.where, it.due = ready, time.Time{}
	if q.order != nil {
		q.order.enqueue(it)
		q.offer(it.msg.Group)
		return
	}
	q.enqueue(queued{item: it})
}

func (q *queue) enqueue(w queued) {
	q.ready.push(w)
	q.receivers.wakeUnlessCalled()
}

// advance makes ready whatever is due. Every method calls it first, so that
// nobody sees a lease that has ended.
func (q *queue) advance() {
	if len(q.scheduled) == 0 {
		return
	}
	for now := q.clock.now(); len(q.scheduled) > 0 && !now.Before(q.scheduled[0].due); {
		it := q.scheduled[0]
		q.scheduled.remove(it)
		if it.where == delayed {
			q.delayed--
			q.makeReady(it)
		} else {
			q.released(it)
			q.makeReady(it)
		}
	}
}

// setTimer makes sure that a sleeping receiver is woken in time.
func (q *queue) setTimer() {
	if len(q.scheduled) == 0 || q.receivers.asleep.n == 0 {
		return
	}
	due := q.scheduled[0].due
	if due.Equal(q.timerAt) {
		return
	}
	q.timerAt = due
	if q.timer == nil {
		q.timer = time.AfterFunc(time.Until(due), q.tick)
		return
	}
	q.timer.Reset(time.Until(due))
}

func (q *queue) tick() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timerAt = time.Time{}
	q.advance()
	q.setTimer()
}

// take leases what is ready, and returns beside it what has been received too
// often: the caller passes it to bury without holding the mutex.
func (q *queue) take(into []port.Delivery) (n int, buried []*item) {
	q.advance()
	var last *item
	for n < len(into) {
		w, ok := q.nextReady(last)
		if last = w.item; !ok {
			break
		}
		q.senders.wakeOne()
		switch {
		case last == nil:
			q.holdShort(w, &into[n])
			n++
		case q.passes(last, &buried):
			last.deliver(q.hold(last), &into[n])
			n++
		}
	}
	q.leave(last)
	if q.ready.n > 0 {
		q.receivers.wakeUnlessCalled()
	}
	return n, buried
}

// passes tells whether an item may be received: if it is not too old, nor to be buried.
func (q *queue) passes(it *item, buried *[]*item) bool {
	switch {
	case q.retention > 0 && q.clock.now().Sub(it.sentAt) >= q.retention:
		q.drop(it)
	case q.maxReceives > 0 && it.receives >= q.maxReceives:
		moved := *it
		*buried = append(*buried, &moved)
		q.drop(it)
	default:
		return true
	}
	return false
}

// hold begins a lease.
func (q *queue) hold(it *item) *lease {
	now := q.clock.now()
	it.where, it.heldAt, it.due = leased, now, time.Time{}
	it.receives++
	if it.firstAt.IsZero() {
		it.firstAt = now
	}
	q.leased.Add(1)
	if q.order != nil {
		q.order.groups[it.msg.Group].leased++
	}
	if q.lease > 0 {
		q.scheduled.set(it, now.Add(q.lease))
	}
	it.lease++
	l := q.leases.one()
	l.queue, l.item, l.number = q, it, it.lease
	l.over.Store(true)
	return l
}

// bury moves messages to the dead letters, as SQS does: with the time at which
// they were sent, and the receives counted anew.
func (q *queue) bury(items []*item) {
	if len(items) == 0 {
		return
	}
	q.dead.mu.Lock()
	defer q.dead.mu.Unlock()
	for _, it := range items {
		it.queue, it.moved, it.receives, it.firstAt = q.dead, true, 0, time.Time{}
		if q.dead.order != nil {
			q.dead.order.add(it)
		}
		q.dead.makeReady(it)
	}
}

// size counts what the queue holds.
func (q *queue) size() port.Size {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.advance()
	return port.Size{Waiting: q.waiting(), Leased: int(q.leased.Load()), Delayed: q.delayed}
}
