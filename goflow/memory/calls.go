package memory

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// errTimeout ends a sleep that was asked to end.
var errTimeout = errors.New("poll wait is over")

// send puts one message, when there is room: m, or a short one where it is nil.
func (q *queue) send(ctx context.Context, w queued, m *port.Message) error {
	if err := ctx.Err(); err != nil {
		return notDone("send", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.closed.Load() {
			return fmt.Errorf("memory: send: %w", port.ErrClosed)
		}
		if q.advance(); !q.full() {
			if m == nil {
				q.enqueue(w)
				return nil
			}
			q.enter(q.item(m, w.id), m.Delay)
			return nil
		}
		sender := q.senders.join()
		err := q.sleep(ctx, sender, nil)
		if q.senders.leave(sender) && !q.full() {
			q.senders.wakeOne()
		}
		if err != nil {
			return notDone("send", err)
		}
		w.sentAt = q.clock.since()
	}
}

// receive is port.Broker's Receive.
func (q *queue) receive(ctx context.Context, into []port.Delivery) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var timeout <-chan time.Time
	for patient := false; ; {
		n, err := q.takeOrLeave(into)
		if n > 0 || err != nil {
			return n, err
		}
		if !patient { // whoever is about to send may come first, and then nobody sleeps
			patient = true
			runtime.Gosched()
			continue
		}
		if timeout == nil && q.pollWait > 0 {
			timer := time.NewTimer(q.pollWait)
			defer timer.Stop()
			timeout = timer.C
		}
		switch err := q.awaitItem(ctx, timeout); {
		case errors.Is(err, errTimeout):
			return 0, nil
		case err != nil:
			return 0, err
		}
	}
}

// takeOrLeave takes what there is, or says that nothing will come any more.
func (q *queue) takeOrLeave(into []port.Delivery) (int, error) {
	q.mu.Lock()
	n, buried := q.take(into)
	over := q.over()
	q.releaseReceivers()
	q.mu.Unlock()
	q.bury(buried)
	if over {
		return 0, fmt.Errorf("memory: receive: %w", port.ErrClosed)
	}
	return n, nil
}

// awaitItem sleeps until there may be something to take.
func (q *queue) awaitItem(ctx context.Context, timeout <-chan time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready.n > 0 || q.over() {
		return nil
	}
	w := q.receivers.join()
	q.setTimer()
	err := q.sleep(ctx, w, timeout)
	if q.receivers.leave(w) && q.ready.n > 0 {
		q.receivers.wakeOne()
	}
	return err
}

// sleep lets go of the mutex until w is woken, the time is out or ctx ends.
func (q *queue) sleep(ctx context.Context, w *waiter, timeout <-chan time.Time) error {
	q.mu.Unlock()
	defer q.mu.Lock()
	select {
	case <-w.woken:
		return nil
	case <-timeout:
		return errTimeout
	case <-ctx.Done():
		return ctx.Err()
	}
}

// extend makes one lease end later, or now.
func (q *queue) extend(l port.Lease) error {
	held, err := q.leaseOf(&l.Delivery)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	held.lengthen()
	q.advance()
	switch it := held.item; {
	case !held.stands():
		return fmt.Errorf("memory: extend: %w", port.ErrLeaseLost)
	case l.For < 0:
		return fmt.Errorf("memory: extend: a lease of %v: %w", l.For, port.ErrInvalid)
	case l.For == 0:
		q.scheduled.remove(it)
		q.released(it)
		q.makeReady(it)
	case q.maxHold > 0 && q.clock.now().Sub(it.heldAt)+l.For > q.maxHold:
		return fmt.Errorf("memory: extend: more than %v since the receive: %w", q.maxHold, port.ErrInvalid)
	default:
		q.scheduled.set(it, q.clock.now().Add(l.For))
		q.setTimer()
	}
	return nil
}

// ack ends one delivery. Under a lost lease it does nothing.
func (q *queue) ack(d *port.Delivery) error {
	held, err := q.leaseOf(d)
	if err != nil || q.ackShort(held) {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.advance()
	if !held.stands() {
		return nil
	}
	it := held.item
	q.scheduled.remove(it)
	q.released(it)
	q.leave(it)
	q.drop(it)
	q.releaseReceivers()
	return nil
}

// leaseOf returns the lease that a delivery of this queue names.
func (q *queue) leaseOf(d *port.Delivery) (*lease, error) {
	l, ok := d.Handle.(*lease)
	if !ok || l.queue != q {
		return nil, fmt.Errorf("memory: the handle is not of this broker: %w", port.ErrInvalid)
	}
	return l, nil
}

// notDone is what a call answers that ended before it had done anything.
func notDone(call string, err error) error {
	return fmt.Errorf("memory: %s: %w: %w", call, port.ErrUnavailable, err)
}

// each does something with every item of a batch and collects what failed.
func each(n int, do func(i int) error) error {
	var errs port.ItemErrors
	for i := range n {
		if err := do(i); err != nil {
			if errs == nil {
				errs = port.ItemErrors{}
			}
			errs[i] = err
		}
	}
	return errs.Err()
}
