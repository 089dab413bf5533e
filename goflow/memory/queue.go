package memory

import (
	"sync"
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
	ready     ring[*item]
	scheduled schedule // delayed, or leased with an end
	delayed   int
	leased    int
	receivers waitlist
	senders   waitlist
	timer     *time.Timer
	timerAt   time.Time // what the timer is set to; zero: it is not
	closed    bool
}

// close lets the senders go, and the receivers when there is nothing left.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
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
	return q.closed && q.waiting()+q.delayed+q.leased == 0
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
	it.where = ready
	if q.order != nil {
		q.order.enqueue(it)
		q.offer(it.msg.Group)
		return
	}
	q.ready.push(it)
	q.receivers.wakeOne()
}

// advance makes ready whatever is due. Every method calls it first, so that
// nobody sees a lease that has ended.
func (q *queue) advance() {
	if len(q.scheduled) == 0 {
		return
	}
	for now := time.Now(); len(q.scheduled) > 0 && !now.Before(q.scheduled[0].due); {
		it := q.scheduled[0]
		q.scheduled.remove(it)
		if it.where == delayed {
			q.delayed--
			q.makeReady(it)
		} else {
			q.released(it)
			q.makeReady(it.next())
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
	if q.ready.n == 0 {
		return 0, nil
	}
	now := time.Now()
	var last *item
	for n < len(into) {
		it, ok := q.nextReady(last)
		if last = it; !ok {
			break
		}
		q.senders.wakeOne()
		switch {
		case q.retention > 0 && now.Sub(it.sentAt) >= q.retention:
			it.where = gone
		case q.maxReceives > 0 && it.receives >= q.maxReceives:
			buried = append(buried, it.next())
		default:
			q.hold(it, now)
			into[n] = it.delivery()
			n++
		}
	}
	q.leave(last)
	return n, buried
}

// hold begins a lease.
func (q *queue) hold(it *item, now time.Time) {
	it.where, it.heldAt, it.due = leased, now, time.Time{}
	it.receives++
	if it.firstAt.IsZero() {
		it.firstAt = now
	}
	q.leased++
	if q.order != nil {
		q.order.groups[it.msg.Group].leased++
	}
	if q.lease > 0 {
		q.scheduled.set(it, now.Add(q.lease))
	}
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
		it.queue, it.receives, it.firstAt = q.dead, 0, time.Time{}
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
	return port.Size{Waiting: q.waiting(), Leased: q.leased, Delayed: q.delayed}
}
