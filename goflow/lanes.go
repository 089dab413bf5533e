package goflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// lane is deliveries that run one after the other, in one slot.
type lane struct {
	steps []step
	slot  chan struct{} // closed when it has one
	since time.Time     // when it got it
}

// lanes sorts deliveries, by their index, into those that may run at once: from a
// broker that keeps order each group is one lane. A delivery without a group is on
// its own.
func lanes(deliveries []Delivery, ordered bool) (lanes [][]int) {
	groups := map[string]int{} // the lane of each
	for i := range deliveries {
		group := deliveries[i].Group
		if n, ok := groups[group]; ok {
			lanes[n] = append(lanes[n], i)
			continue
		}
		if ordered && group != "" {
			groups[group] = len(lanes)
		}
		lanes = append(lanes, []int{i})
	}
	return lanes
}

// step is one delivery of a lane.
type step struct {
	hold *hold
	run  func(returned func()) Outcome
}

// step begins to hold a delivery.
func (s *source) step(base context.Context, d Delivery) step {
	ctx, cancel := context.WithCancelCause(base)
	h := s.keeper.keep(d, cancel)
	s.mu.Lock()
	s.held[h] = false
	s.mu.Unlock()
	since := time.Now()
	return step{h, func(returned func()) Outcome {
		s.mu.Lock()
		s.held[h] = true
		s.mu.Unlock()
		s.running.Add(1)
		defer s.running.Add(-1)
		return s.processor.process(ctx, &h.delivery, custody{hold: h, returned: returned, since: since}).comesAgain(&d)
	}}
}

// follow runs a lane until a delivery has to come again, and settles it: the rest
// comes again with that one. What is not started when the worker stops goes back.
func (s *source) follow(ctx, base context.Context, l *lane, stop context.CancelCauseFunc) {
	if !s.takeSlot(ctx, l) {
		s.settle(base, l.steps, Outcome{Action: Release}, stop)
		return
	}
	returned := sync.OnceFunc(func() {
		s.learnStint(l.since)
		s.count(-1, 1)
	})
	defer func() { s.count(0, -1) }()
	defer returned() // where no handler ran
	for n, st := range l.steps {
		last := n == len(l.steps)-1
		outcome := Outcome{Action: Release}
		switch {
		case !st.hold.ours(): // it waited for long, here or on its way, and may be another's by now
			outcome.Action = Leave
		case ctx.Err() == nil && last:
			outcome = st.run(returned)
		case ctx.Err() == nil:
			outcome = st.run(nil) // the next one has the slot
		}
		if outcome.Err != nil { // before the slot is free, so that the next receive knows of it
			s.judge(partSettle, outcome.Err, stop)
		}
		if last {
			returned()
		}
		if !s.settle(base, l.steps[n:], outcome, stop) {
			return
		}
	}
}

// settle does with the message of the first step what the outcome says, and tells
// whether the others may run. If not, they are given back by the same call, for as
// long, or left with it: so a group has its order wherever a message that can be
// received again frees its group, too.
func (s *source) settle(ctx context.Context, l []step, o Outcome, stop context.CancelCauseFunc) (goOn bool) {
	ctx, cancel := settling(ctx)
	defer cancel()
	var err error
	switch o.Action {
	case Ack:
		l[0].hold.drop()
		err = retryOne(ctx, func() error { return s.ack(ctx, l[0].hold.delivery) })
		if goOn = err == nil; goOn {
			l = l[:1]
		}
	case Release:
		err = s.release(ctx, giveBack(l, o.After))
	case Leave:
	}
	s.let(l, o.interrupted)
	if (err != nil || o.Action != Leave) && !errors.Is(err, port.ErrLeaseLost) {
		s.judge(partSettle, err, stop) // a lost lease says nothing of broker and store
	}
	return goOn
}

// ack acks one delivery with others.
func (s *source) ack(ctx context.Context, d Delivery) error {
	if s.acks == nil {
		return s.broker.Ack(ctx, []Delivery{d})
	}
	_, err := s.acks.do(ctx, d)
	return unknown(err)
}

// giveBack lets go of deliveries, and returns what asks for those that are ours yet to
// come again after a while.
func giveBack(l []step, after time.Duration) (ours []port.Lease) {
	for _, st := range l { // all of them before the wait for any: none is extended again
		st.hold.drop()
	}
	for _, st := range l {
		if ok, until := st.hold.giveBack(); ok {
			d := st.hold.delivery
			d.LeaseEnd = until
			ours = append(ours, port.Lease{Delivery: d, For: after})
		}
	}
	now := time.Now() // the wait for one may have outlasted the lease of another
	return slices.DeleteFunc(ours, func(l port.Lease) bool {
		end := l.Delivery.LeaseEnd
		return !end.IsZero() && !now.Before(end)
	})
}

// release makes messages come again after a while. It returns the first error that
// is not about a lost lease, else one that is.
func (s *source) release(ctx context.Context, leases []port.Lease) error {
	if len(leases) == 0 {
		return fmt.Errorf("nothing to give back: %w", port.ErrLeaseLost)
	}
	err := extendHeld(ctx, s.broker, leases)
	var lost error
	for i := range leases {
		switch err := port.ItemError(err, i); {
		case errors.Is(err, port.ErrLeaseLost):
			lost = err
		case err != nil:
			return err
		}
	}
	return lost
}

// extendHeld makes leases end otherwise, and tries no more once the first of them
// is over: its message may be another's by then.
func extendHeld(ctx context.Context, b Broker, leases []port.Lease) error {
	first := firstEnd(leases)
	if !first.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, first)
		defer cancel()
	}
	err := retryEach(ctx, leases, func(some []port.Lease) error { return b.Extend(ctx, some) })
	if first.IsZero() || time.Now().Before(first) {
		return err
	}
	return tooLate(err, len(leases))
}

// firstEnd is when the first of the leases is over; zero: none ever is.
func firstEnd(leases []port.Lease) (first time.Time) {
	for i := range leases {
		if end := leases[i].Delivery.LeaseEnd; !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}

// tooLate is err of n leases of which one is over: what was not done by then, is not
// the broker's fault.
func tooLate(err error, n int) error {
	errs := port.ItemErrors{}
	for i := range n {
		itemErr := port.ItemError(err, i)
		if errors.Is(itemErr, ErrUnavailable) {
			itemErr = fmt.Errorf("%w: its time was over: %w", port.ErrLeaseLost, itemErr)
		}
		if itemErr != nil {
			errs[i] = itemErr
		}
	}
	return errs.Err()
}

// let forgets deliveries that are settled.
func (s *source) let(l []step, interrupted bool) {
	for _, st := range l {
		st.hold.drop()
		st.hold.cancel(nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range l {
		delete(s.held, st.hold)
	}
	if interrupted {
		s.abandoned = append(s.abandoned, taskID(&l[0].hold.delivery))
	}
}
