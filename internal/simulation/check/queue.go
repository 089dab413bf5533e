package check

import (
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Totals are Jepsen's counters of what goes into a queue and comes out, with
// results and dead letters as what comes out:
// https://github.com/jepsen-io/jepsen (total-queue).
type Totals struct {
	Attempted, Acknowledged, OK, Lost, Unexpected, Duplicated, Recovered int
}

// Add adds those of another history.
func (t *Totals) Add(other Totals) {
	t.Attempted += other.Attempted
	t.Acknowledged += other.Acknowledged
	t.OK += other.OK
	t.Lost += other.Lost
	t.Unexpected += other.Unexpected
	t.Duplicated += other.Duplicated
	t.Recovered += other.Recovered
}

// Totals counts.
func (h *History) Totals() (t Totals) {
	for _, s := range h.order {
		acked, doubtful := s.pushed("ok"), s.pushed("ambiguous")
		if s.known && (len(s.pushes) > 0 || len(s.sent) > 0) {
			t.Attempted++
		}
		if acked {
			t.Acknowledged++
		}
		switch ended := h.ended(s); {
		case ended && !s.known && len(s.sent) == 0:
			t.Unexpected++
		case ended && acked:
			t.OK++
		case ended && doubtful:
			t.Recovered++
		case acked && !h.left(s):
			t.Lost++
		}
		if s.wellEnded() > 1 {
			t.Duplicated++
		}
	}
	return t
}

func (s *story) pushed(how string) bool {
	return slices.ContainsFunc(s.pushes, func(e history.Event) bool { return e.Text == how })
}

// wellEnded is how many runs succeeded.
func (s *story) wellEnded() (n int) {
	for _, r := range s.runs {
		if r.ok {
			n++
		}
	}
	return n
}

// left tells whether the task's message is still in the queue.
func (h *History) left(s *story) bool {
	return slices.Contains(h.facts.Left, s.id)
}

// ended tells whether a task has an outcome.
func (h *History) ended(s *story) bool {
	if row := h.facts.Rows[s.id]; row != nil && row.State != open {
		return true
	}
	if _, buried := h.facts.Letters[s.id]; buried {
		return true
	}
	return s.NoResult && s.wellEnded() > 0
}

// nothingLost is I1 and I12: what was accepted ends, and in time.
func (h *History) nothingLost() {
	h.judged["I12"]++
	if !h.facts.Drained {
		h.breaks("I12", "not drained: %v are left", h.facts.Left)
	}
	for _, s := range h.order {
		if !s.pushed("ok") && len(s.sent) == 0 {
			continue
		}
		h.judged["I1"]++
		if !h.ended(s) && !h.left(s) {
			h.breaks("I1", "task %s (errand %d) was accepted and has no outcome", s.id, s.N)
		}
	}
}

// nothingUnexpected is I2 and I16: what runs was pushed, and what was rejected
// does not.
func (h *History) nothingUnexpected() {
	for _, s := range h.order {
		for _, r := range s.runs {
			h.judged["I2"]++
			if !s.known || len(s.sent) == 0 || r.began < s.sent[0].At {
				h.breaks("I2", "task %s runs and nobody pushed it", s.id)
			}
		}
		if len(s.pushes) == 0 {
			continue
		}
		h.judged["I16"]++
		unknown := s.pushed("ok") || s.pushed("ambiguous") || h.pushing[s.N] > len(s.pushes) // its process died, perhaps
		if !unknown && len(s.sent) > 0 {
			h.breaks("I16", "the push of task %s was said to be %s, and it was sent", s.id, s.pushes[0].Text)
		}
	}
}

// deletedWithReason is I4: a message is deleted when its task has an outcome, or a
// copy carries it on.
func (h *History) deletedWithReason() {
	for _, s := range h.order {
		var row *history.Row
		live := 0
		finished := map[int]bool{} // generations in which a run without result was well, so far
		for _, e := range s.events {
			switch e.Kind {
			case history.Wrote:
				row = e.After
			case history.Ended:
				finished[e.Generation] = finished[e.Generation] || s.finishes(&e)
			case history.Sent:
				if name(e.Actor) == QueueName {
					live++
				}
			case history.Deleted:
				if name(e.Actor) != QueueName {
					continue
				}
				live--
				h.judged["I4"]++
				outcome := row != nil && (row.State != open || row.Generation > e.Generation)
				if row != nil && row.Generation < e.Generation && row.State == dead {
					outcome = false // of an earlier generation
				}
				hopped := s.Delay > maxDelay && live > 0
				if !outcome && !finished[e.Generation] && !hopped {
					h.breaks("I4", "the message of task %s was deleted at %v by nobody's outcome", s.id, e.At)
				}
			}
		}
	}
}

// maxDelay is what SQS delays at most.
const maxDelay = 15 * time.Minute

// lettersArrive is I10: a dead task's message is in the dead letters.
func (h *History) lettersArrive() {
	for _, s := range h.order {
		row := h.facts.Rows[s.id]
		if row == nil || row.State != dead || h.left(s) || !h.facts.Drained {
			continue
		}
		h.judged["I10"]++
		if generation, ok := h.facts.Letters[s.id]; !ok || generation != 0 && generation < row.Generation {
			h.breaks("I10", "task %s is dead in generation %d and not among the dead letters", s.id, row.Generation)
		}
	}
}
