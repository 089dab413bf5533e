package goflow

import (
	"context"
	"fmt"
	"iter"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Redrive sends the letters that f chooses back to the queue, where the worker
// that receives one opens the task's next generation, with fresh attempts. Each
// is sent before it is deleted here, so a crash in between leaves a copy, which
// a later redrive does not run again once the task has an outcome. Unsettled
// ones are recorded as by Settle first, so those who wait for them are told. A
// task that dies anew meanwhile is left dead. On a queue that keeps order, a
// letter that cannot be sent back keeps the later ones of its group here:
// ErrUnavailable.
func (q *DeadLetterQueue) Redrive(ctx context.Context, f DeadLetterFilter) iter.Seq2[DeadLetter, error] {
	if q.queue == nil || q.store == nil {
		return failed(fmt.Errorf("goflow: redrive: %w: it needs the queue and the store", ErrInvalid))
	}
	return func(yield func(DeadLetter, error) bool) {
		ordered, err := q.ordered(ctx)
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("goflow: redrive: %w", err))
			return
		}
		r := &redrive{DeadLetterQueue: q, ordered: ordered, stuck: map[string]bool{}}
		q.sweep(ctx, &sweep{filter: f, act: r.act, redrives: true})(yield)
	}
}

// ordered tells whether the queue keeps order, and asks it only if it has to.
func (q *DeadLetterQueue) ordered(ctx context.Context) (bool, error) {
	if o, ok := q.queue.(port.Orderer); ok {
		return o.Ordered(), nil
	}
	limits, err := limitsOf(q.queue)(ctx)
	return limits.Ordered, err
}

// redrive is one pass of Redrive.
type redrive struct {
	*DeadLetterQueue
	ordered bool
	stuck   map[string]bool // groups of which a letter was not sent back
}

// act sends first and deletes what was surely sent.
func (r *redrive) act(ctx context.Context, letters []DeadLetter) error {
	return r.move(ctx, letters, func(ctx context.Context) error {
		errs := port.ItemErrors{}
		for _, round := range r.rounds(letters) {
			r.send(ctx, letters, round, errs)
		}
		return errs.Err()
	})
}

// group is that whose order a letter has to keep; empty: none.
func (r *redrive) group(l *DeadLetter) string {
	if !r.ordered {
		return "" // it is there for fairness
	}
	return l.delivery.Group
}

// rounds are the letters, by their index, one round to be sent after the other. None has
// two of a group: within one call the broker may take the later one alone.
func (r *redrive) rounds(letters []DeadLetter) (rounds [][]int) {
	next := map[string]int{} // by group
	for i := range letters {
		round := 0
		if group := r.group(&letters[i]); group != "" {
			round = next[group]
			next[group]++
		}
		if round == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[round] = append(rounds[round], i)
	}
	return rounds
}

// send sends those of one round back whose groups are not stuck.
func (r *redrive) send(ctx context.Context, letters []DeadLetter, round []int, errs port.ItemErrors) {
	var marked []int
	for _, i := range round {
		switch l := &letters[i]; {
		case r.stuck[r.group(l)]:
			errs[i] = port.HeldBack(l.delivery.Group)
		case !l.Unsettled:
			marked = append(marked, i)
		default:
			if err := r.sendSettled(ctx, l, r.queue); err != nil {
				errs[i] = err
			}
		}
	}
	r.sendMarked(ctx, letters, marked, errs)
	for _, i := range round {
		if group := r.group(&letters[i]); group != "" && errs[i] != nil {
			r.stuck[group] = true
		}
	}
}

// sendMarked sends those of the letters back that say their generation, in one
// call.
func (r *redrive) sendMarked(ctx context.Context, letters []DeadLetter, marked []int, errs port.ItemErrors) {
	if len(marked) == 0 {
		return
	}
	msgs := make([]port.Message, len(marked))
	for place, i := range marked {
		msgs[place] = letters[i].message() // a repeat is a copy of it, which a broker may know again
	}
	err := retryEach(ctx, msgs, func(some []port.Message) error { return r.queue.Send(ctx, some) })
	for place, i := range marked {
		if err := port.ItemError(err, place); err != nil {
			errs[i] = err
		}
	}
}
