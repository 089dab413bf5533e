package goflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// sweep is one pass over the dead letters. It holds what it has received until
// it ends, so that it does not receive it again.
type sweep struct {
	filter    DeadLetterFilter
	unsettled bool // only those
	redrives  bool // act sends them back to where they can die again
	// act takes letters out, ten at most, with an error each; nil: none.
	act func(context.Context, []DeadLetter) error

	dead  Broker
	held  map[string]port.Delivery // by the message's ID
	seen  map[string]bool          // the same, those that were taken out included
	acted map[string]int           // by task, the generation of its letter that was taken out
	taken int
	yield func(DeadLetter, error) bool
	ended bool // the caller wants no more
}

func (q *DeadLetterQueue) sweep(ctx context.Context, plan *sweep) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		s := *plan // a sequence may be run again
		s.dead, s.yield = q.dead, yield
		s.held, s.seen, s.acted = map[string]port.Delivery{}, map[string]bool{}, map[string]int{}
		defer func() { _ = s.giveBack(ctx) }() // for a loop that panics: else there is nothing left
		err := s.filter.check()
		if err == nil {
			err = s.run(ctx)
		}
		if err = errors.Join(err, s.giveBack(ctx)); err != nil && !s.ended {
			yield(DeadLetter{}, fmt.Errorf("goflow: dead letters: %w", err))
		}
	}
}

// run receives until nothing new comes.
func (s *sweep) run(ctx context.Context) error {
	for !s.ended && !s.full(0) {
		fresh, err := s.receive(ctx)
		if err != nil || len(fresh) == 0 {
			return err
		}
		s.take(ctx, fresh)
	}
	return nil
}

// receive returns the letters that were not seen before. None, though some
// came: the leases of the first have ended, and the sweep has gone round.
func (s *sweep) receive(ctx context.Context) (fresh []DeadLetter, err error) {
	into := make([]port.Delivery, port.MaxMessages)
	n := 0
	err = retryOne(ctx, func() (err error) {
		if n, err = s.await(ctx, into); n > 0 {
			return nil // an error would come again
		}
		return err
	})
	for i := range into[:n] {
		d := &into[i]
		s.held[d.ID] = port.Delivery{Message: port.Message{ID: d.ID}, Handle: d.Handle, LeaseEnd: d.LeaseEnd} // not its body: there may be many
		if !s.seen[d.ID] {
			s.seen[d.ID] = true
			fresh = append(fresh, newDeadLetter(d))
		}
	}
	return fresh, err
}

// emptyAfter is when a queue in this process counts as empty, which answers at once.
const emptyAfter = 50 * time.Millisecond

// await receives. Queues in this process wait for as long as there is nothing.
func (s *sweep) await(ctx context.Context, into []port.Delivery) (int, error) {
	if !inProcess(s.dead) {
		return s.dead.Receive(ctx, into)
	}
	brief, cancel := context.WithTimeout(ctx, emptyAfter)
	defer cancel()
	n, err := s.dead.Receive(brief, into)
	if err != nil && brief.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

// take does with the chosen letters what the sweep is for, and yields them.
func (s *sweep) take(ctx context.Context, fresh []DeadLetter) {
	chosen := s.choose(fresh)
	var err error
	if s.act != nil && len(chosen) > 0 {
		err = s.act(ctx, chosen)
	}
	for i := range chosen {
		itemErr := port.ItemError(err, i)
		if s.act != nil && itemErr == nil {
			delete(s.held, chosen[i].delivery.ID)
			s.acted[chosen[i].ID] = chosen[i].Generation
		}
		s.tell(chosen[i], itemErr)
	}
}

// diedAgain tells whether the sweep itself has redriven the task, which is dead
// anew: to do it again would go on for ever.
func (s *sweep) diedAgain(l *DeadLetter) bool {
	generation, ok := s.acted[l.ID]
	return s.redrives && ok && l.Generation > generation
}

func (s *sweep) choose(fresh []DeadLetter) (chosen []DeadLetter) {
	for i := range fresh {
		if (fresh[i].Unsettled || !s.unsettled) && s.filter.has(&fresh[i]) && !s.diedAgain(&fresh[i]) && !s.full(len(chosen)) {
			chosen = append(chosen, fresh[i])
		}
	}
	s.taken += len(chosen)
	return chosen
}

func (s *sweep) tell(l DeadLetter, err error) {
	if err != nil {
		err = fmt.Errorf("goflow: dead letter %s: %w", l.ID, err)
	}
	if !s.ended && !s.yield(l, err) {
		s.ended = true
	}
}

func (s *sweep) full(more int) bool { return s.filter.Limit > 0 && s.taken+more >= s.filter.Limit }

// giveBack ends the leases of what is left, also when ctx has ended. What
// cannot be given back, or is not ours any more, comes back by itself.
func (s *sweep) giveBack(ctx context.Context) error {
	ctx, cancel := settling(ctx)
	defer cancel()
	left := slices.SortedFunc(maps.Values(s.held), func(a, b port.Delivery) int {
		return cmp.Or(a.LeaseEnd.Compare(b.LeaseEnd), cmp.Compare(a.ID, b.ID))
	})
	clear(s.held)
	now := time.Now()
	left = slices.DeleteFunc(left, func(d port.Delivery) bool { return !d.LeaseEnd.IsZero() && !now.Before(d.LeaseEnd) })
	var errs []error
	for chunk := range slices.Chunk(left, port.MaxMessages) {
		leases := make([]port.Lease, len(chunk))
		for i, d := range chunk {
			leases[i].Delivery = d
		}
		err := extendHeld(ctx, s.dead, leases)
		for i := range chunk {
			if err := port.ItemError(err, i); err != nil && !errors.Is(err, ErrLeaseLost) {
				errs = append(errs, fmt.Errorf("giving back %s: %w", chunk[i].ID, err))
			}
		}
	}
	return errors.Join(errs...)
}
