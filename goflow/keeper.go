package goflow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// keeper extends the lease of every delivery that a worker holds, be it
// waiting, running or settling, from half-life on and ten in a call. A worker
// of short tasks never calls.
type keeper struct {
	broker Broker
	store  Store
	lease  time.Duration // of a received message; 0: leases never end

	mu    sync.Mutex
	holds map[*hold]struct{}
	next  time.Time     // until when run sleeps; zero: until it is woken
	wake  chan struct{} // something is due sooner
	idle  sync.Cond     // a call to extend has returned
}

// hold is one delivery under the keeper. The zero methods of a nil hold serve
// homes without a keeper.
type hold struct {
	keeper   *keeper
	delivery Delivery
	cancel   context.CancelCauseFunc
	last     time.Time // when the broker's patience ends, whatever is extended

	// Guarded by keeper.mu.
	end      time.Time // of the lease, by the monotonic clock; zero: never
	due      time.Time // of the next extension
	claim    *port.Claim
	claimEnd time.Time     // by which the holder stops; zero: there is no claim
	life     time.Duration // of the claimed record, from each renewal on
	lost     bool
	busy     bool // a call to extend it is under way
}

func newKeeper(b Broker, s Store, lease time.Duration) *keeper {
	k := &keeper{broker: b, store: s, lease: lease, holds: map[*hold]struct{}{}, wake: make(chan struct{}, 1)}
	k.idle.L = &k.mu
	return k
}

// keep holds a delivery until drop.
func (k *keeper) keep(d Delivery, cancel context.CancelCauseFunc) *hold {
	h := &hold{keeper: k, delivery: d, cancel: cancel, end: d.LeaseEnd}
	if d.LeaseEnd.IsZero() {
		return h
	}
	h.due = time.Now().Add(time.Until(d.LeaseEnd) / 2)
	h.last = d.LeaseEnd.Add(maxHold - k.lease)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holds[h] = struct{}{}
	k.attend(h)
	return h
}

// attend wakes run if it would sleep for longer than h can wait: a delivery or
// a claim that was long on its way has less time left than those before it. The
// caller holds the lock.
func (k *keeper) attend(h *hold) {
	if !k.next.IsZero() && !earlier(h.due, h.ends()).Before(k.next) {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// drop lets go of a delivery.
func (h *hold) drop() {
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	delete(h.keeper.holds, h)
}

// giveBack is drop for a message whose lease is to end at another time: no call to
// extend it comes after it. It tells whether the message may still be touched, and
// until when: after the lease has ended it may be another's.
func (h *hold) giveBack() (ours bool, until time.Time) {
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	delete(h.keeper.holds, h)
	for h.busy {
		h.keeper.idle.Wait()
	}
	return h.stands(), h.end
}

// ours tells the same of a delivery that is held on.
func (h *hold) ours() bool {
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	return h.stands()
}

// lasts tells whether lease and claim do.
func (h *hold) lasts() bool {
	if h == nil {
		return true
	}
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	return h.stands() && (h.claimEnd.IsZero() || time.Now().Before(h.claimEnd))
}

// stands tells whether the lease lasts. The caller holds the lock.
func (h *hold) stands() bool {
	return !h.lost && (h.end.IsZero() || time.Now().Before(h.end))
}

// keepClaim renews c, which was asked for at start, with the lease. It tells
// whether the claim lasts: an answer that took long may come after its end.
func (h *hold) keepClaim(c port.Claim, start time.Time) bool {
	end := start.Add(c.For - margin(c.For))
	if !time.Now().Before(end) {
		return false
	}
	if h == nil {
		return true
	}
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	h.claim, h.claimEnd, h.life = &c, end, c.Expires.Sub(start)
	if !h.end.IsZero() {
		h.due = earlier(h.due, start.Add(c.For/2))
		h.keeper.attend(h)
	}
	return true
}

// endClaim stops the renewals, since what is about to be saved ends the claim.
func (h *hold) endClaim() {
	if h == nil {
		return
	}
	h.keeper.mu.Lock()
	defer h.keeper.mu.Unlock()
	h.claim, h.claimEnd = nil, time.Time{}
}

// margin is how much earlier the holder of a claim stops than the claim ends;
// whoever takes it over waits as much longer.
func margin(claim time.Duration) time.Duration { return min(2*time.Second, claim/8) }

// run extends leases until ctx ends. It sleeps until the first is due: an idle
// worker costs nothing.
func (k *keeper) run(ctx context.Context) {
	for {
		due, next := k.due(time.Now())
		var extending sync.WaitGroup
		for chunk := range slices.Chunk(due, port.MaxMessages) {
			extending.Go(func() { k.extend(ctx, chunk) })
		}
		if len(due) > 0 && k.watch(&extending) {
			continue
		}
		select {
		case <-at(next):
		case <-k.wake:
		case <-ctx.Done():
			return
		}
	}
}

// at fires at t; never at none.
func at(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return time.After(time.Until(t))
}

// watch waits for the calls to extend. Meanwhile handlers end with leases and claims
// that are over before: those that came after the calls had begun. It tells whether
// any came.
func (k *keeper) watch(extending *sync.WaitGroup) (woken bool) {
	done := make(chan struct{})
	go func() {
		extending.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			return woken
		case <-at(k.loseEnded(time.Now())):
		case <-k.wake:
			woken = true
		}
	}
}

// loseEnded loses what has ended, and returns when it is to be called again: what is
// known at the very end of a lease counts.
func (k *keeper) loseEnded(now time.Time) (next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for h := range k.holds {
		switch end := h.ends().Add(time.Millisecond); {
		case h.lost:
		case !now.Before(end):
			h.lose()
		case next.IsZero() || end.Before(next):
			next = end
		}
	}
	return next
}

// due returns the holds to extend now and when the next one is due. A lease
// that has ended by our clock is lost.
func (k *keeper) due(now time.Time) (due []*hold, next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for h := range k.holds {
		switch {
		case h.lost:
			continue
		case !now.Before(h.ends()):
			h.lose()
			continue
		case !now.Before(h.due) && now.Add(h.extension(now)).After(h.end):
			due = append(due, h)
			// Should this extension fail: again after half of what is left, but
			// not ever sooner and sooner.
			h.due = now.Add(max(h.ends().Sub(now)/2, k.lease/32))
		}
		at := h.ends()
		if h.due.After(now) {
			at = earlier(h.due, at)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	k.next = next
	slices.SortFunc(due, func(a, b *hold) int { // those with the least time first, should calls fail
		return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.delivery.ID, b.delivery.ID))
	})
	return due, next
}

// extension is how long the lease may be made to last, in whole seconds as
// brokers count.
func (h *hold) extension(now time.Time) time.Duration {
	return min(h.keeper.lease, h.last.Sub(now).Truncate(time.Second))
}

// ends is when the handler has to stop: with the lease or the claim.
func (h *hold) ends() time.Time {
	if h.claimEnd.IsZero() {
		return h.end
	}
	return earlier(h.end, h.claimEnd)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// lose marks the lease as lost and ends the handler's context. The caller
// holds the lock.
func (h *hold) lose() {
	h.lost = true
	h.cancel(ErrLeaseLost)
}

// extend renews the leases of up to ten holds, and the claims with them. What
// could not be renewed is tried again when half of what is left is over.
func (k *keeper) extend(ctx context.Context, holds []*hold) {
	start := time.Now()
	var claims []port.Claim
	var claimants []*hold
	k.mu.Lock()
	holds = slices.DeleteFunc(holds, func(h *hold) bool {
		_, held := k.holds[h]
		return !held
	})
	// A call that hangs must not keep the others from their leases, and least of all
	// let a handler run on after its own.
	until := start.Add(k.lease / 5)
	for h := range k.holds {
		if !h.lost {
			until = earlier(until, h.ends())
		}
	}
	leases := make([]port.Lease, len(holds))
	for i, h := range holds {
		h.busy = true
		leases[i] = port.Lease{Delivery: h.delivery, For: h.extension(start)}
		if h.claim != nil {
			claims, claimants = append(claims, h.renewal(start)), append(claimants, h)
		}
	}
	k.mu.Unlock()
	if len(holds) == 0 {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := k.broker.Extend(ctx, leases)
	var claimErr error
	stand := make([]Record, len(claims))
	if len(claims) > 0 {
		var recs []Record
		recs, claimErr = k.store.Claim(ctx, claims)
		copy(stand, recs)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, h := range holds {
		h.busy = false
		h.extended(port.ItemError(err, i), start.Add(leases[i].For))
	}
	k.idle.Broadcast()
	for i, h := range claimants {
		h.renewed(port.ItemError(claimErr, i), stand[i], start.Add(k.lease))
	}
}

// renewal is the claim as it is asked for again: its record lives on with it. The
// caller holds the lock.
func (h *hold) renewal(now time.Time) port.Claim {
	c := *h.claim
	c.Expires = now.Add(h.life)
	return c
}

// extended notes what became of an extension. The caller holds the lock.
func (h *hold) extended(err error, end time.Time) {
	switch {
	case err == nil:
		h.end, h.due = end, end.Add(-h.keeper.lease/2)
	case errors.Is(err, port.ErrLeaseLost):
		h.lose()
	}
}

// renewed notes what became of the claim's renewal, given the record as it
// stands. The caller holds the lock.
func (h *hold) renewed(err error, stands Record, end time.Time) {
	switch {
	case h.claim == nil: // its outcome is being saved
	case err == nil:
		h.claimEnd = end.Add(-margin(h.keeper.lease))
	case errors.Is(err, port.ErrFinished) && stands.State == task.Cancelled:
		h.cancel(ErrCancelled)
	case errors.Is(err, port.ErrFenced), errors.Is(err, port.ErrFinished):
		h.lose()
	default:
		h.due = time.Now().Add(h.keeper.lease / 32)
	}
}
