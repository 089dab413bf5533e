package check

import (
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// recordsMoveForward is I3, I5 and I6: the first outcome of a generation stays, who
// has lost its claim writes nothing, and nothing goes back.
func (h *History) recordsMoveForward() {
	for _, s := range h.order {
		owner := ""
		for _, e := range s.events {
			if e.Kind != history.Wrote {
				continue
			}
			if e.Before == nil {
				e.Before = &history.Row{}
			}
			h.judged["I6"]++
			h.forward(s, &e)
			h.final(s, &e)
			owner = h.fenced(s, &e, owner)
		}
	}
}

// forward is I6.
func (h *History) forward(s *story, e *history.Event) {
	b, a := e.Before, e.After
	switch {
	case a.Generation < b.Generation,
		a.Generation == b.Generation && a.State == open && (a.Attempts < b.Attempts || a.Attempts == b.Attempts && a.GiveBacks < b.GiveBacks || a.Epoch < b.Epoch):
		h.breaks("I6", "the record of task %s goes back: %s", s.id, e)
	case a.Generation > b.Generation && b.Generation > 0 && b.State != dead:
		h.breaks("I6", "task %s was redriven although it is not dead: %s", s.id, e)
	case a.State == open && (a.Epoch > 0 && a.Starts > b.Starts+1 || a.Generation == b.Generation && a.Attempts > b.Attempts+1):
		// Without claims, runs beside each other write what each of them knows of starts.
		h.breaks("I6", "the starts or attempts of task %s leap: %s", s.id, e)
	}
}

// final is I3.
func (h *History) final(s *story, e *history.Event) {
	b, a := e.Before, e.After
	if a.State != open {
		h.judged["I3"]++
	}
	if b.State == open || a.Generation > b.Generation {
		return
	}
	if a.State != b.State || a.Result != b.Result || a.Reason != b.Reason {
		h.breaks("I3", "the outcome of task %s changes: %s", s.id, e)
	}
}

// fenced is I5. It returns who holds the claim.
func (h *History) fenced(s *story, e *history.Event, owner string) string {
	b, a := e.Before, e.After
	switch {
	case a.Epoch > b.Epoch, a.Generation != b.Generation:
		return e.Actor
	case a.State == cancelled || b.Epoch == 0 || onlyMarks(b, a):
		return owner
	}
	if len(s.sent) == 0 || s.mixed() { // it is a key, which the task frees that holds it
		return owner
	}
	h.judged["I5"]++
	if owner != e.Actor {
		h.breaks("I5", "task %s is claimed by %s, and another writes: %s", s.id, owner, e)
	}
	return owner
}

// onlyMarks tells whether a write does no more than mark a start. That alone is not
// fenced, since a save that names its epoch ends the claim: who has lost a claim
// without knowing it may still count a start, as a crash would.
func onlyMarks(b, a *history.Row) bool {
	marked := *a
	marked.Starts = b.Starts
	return a.Starts > b.Starts && marked == *b
}

// outcomesAreEarned is I9 and the half of I8 that is about records: a result is one
// that a run returned, and a task is dead for what it did itself.
func (h *History) outcomesAreEarned() {
	for _, s := range h.order {
		row := h.facts.Rows[s.id]
		if row == nil || row.State == open || len(s.sent) == 0 {
			continue
		}
		h.judged["I9"]++
		switch row.State {
		case done:
			h.doneByARun(s, row)
		case dead:
			h.deadByItself(s, row)
		case cancelled:
			if !s.Cancelled {
				h.breaks("I9", "task %s is cancelled, and nobody has asked for that", s.id)
			}
		case expired:
			if !s.Expires {
				h.breaks("I9", "task %s has expired, and has all the time there is", s.id)
			}
		}
	}
}

func (h *History) doneByARun(s *story, row *history.Row) {
	for _, r := range s.runs {
		if r.ok && r.generation == row.Generation && (s.NoResult || resultOf(row.Result) == r.result) {
			return
		}
	}
	h.breaks("I9", "task %s is done with %q, which no run has returned", s.id, row.Result)
}

func (h *History) deadByItself(s *story, row *history.Row) {
	runs, failed := 0, 0
	for _, r := range s.runs {
		if r.generation == row.Generation {
			runs++
			if r.over && !r.ok || !r.over && (h.paused[r.actor] || s.leftBehind(r)) { // its process died when its time was over
				failed++
			}
		}
	}
	marks := s.marks(row.Generation)              // a start that was marked counts, though its process died before the run
	if row.Attempts > failed && s.End != "deaf" { // a handler that was left behind may return well
		h.breaks("I8", "task %s has %d failed attempts on record, and %d runs failed", s.id, row.Attempts, failed)
	}
	switch row.Reason {
	case "crashed", "failed":
		if failed+marks < s.MaxAttempts {
			h.breaks("I9", "task %s is dead as %s for %d attempts; %d failed, and %d were marked", s.id, row.Reason, s.MaxAttempts, failed, marks)
		}
	case "permanent":
		if s.End != "permanent" {
			h.breaks("I9", "task %s is dead for good, and its handler does not say so", s.id)
		}
	case "malformed", "unknown type":
		if runs > 0 || s.known != (row.Reason == "unknown type") || s.known && !s.Unknown {
			h.breaks("I9", "task %s is dead as %s, and it is not (%d runs)", s.id, row.Reason, runs)
		}
	case "result refused":
		if s.End != "large" && s.End != "never" {
			h.breaks("I9", "the result of task %s was refused, and any record holds it", s.id)
		}
	default:
		h.breaks("I9", "task %s is dead as %q", s.id, row.Reason)
	}
}

// marks is how often a start was marked in a generation.
func (s *story) marks(generation int) (n int) {
	for _, e := range s.events {
		if e.Kind == history.Wrote && e.After.Generation == generation && (e.Before == nil || e.After.Starts > e.Before.Starts) {
			n += e.After.Starts
			if e.Before != nil {
				n -= e.Before.Starts
			}
		}
	}
	return n
}
