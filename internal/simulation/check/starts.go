package check

import (
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// mark is that of a start, until another process writes the record.
type mark struct {
	actor              string
	generation, starts int
}

// suspectsAreAlone is I23. A suspect was started before without an outcome, or has
// no attempt after this one, and its start is marked.
func (h *History) suspectsAreAlone() {
	marks := map[string]mark{}              // by task
	ended := map[string]string{}            // by task, who ran it: his next write is of what became of that
	running := map[string]map[string]bool{} // by actor, the suspects
	for i := range h.events {
		e := &h.events[i]
		switch e.Kind {
		case history.Wrote:
			if m, ok := markOf(e); ok && ended[e.Task] != e.Actor {
				marks[e.Task] = m
			} else if marks[e.Task].actor != e.Actor || e.After.State != open || e.After.Starts < marks[e.Task].starts {
				delete(marks, e.Task)
			}
			delete(ended, e.Task)
		case history.Began:
			m, ok := marks[e.Task]
			delete(marks, e.Task) // it is of this run
			s := h.stories[e.Task]
			if !ok || m.actor != e.Actor || s.End == "deaf" || m.starts < 2 && e.N < s.MaxAttempts {
				continue
			}
			h.judged["I23"]++
			for other := range running[e.Actor] {
				h.breaks("I23", "task %s runs in %s at %v beside %s, and each may have killed its process before", e.Task, e.Actor, e.At, other)
			}
			if running[e.Actor] == nil {
				running[e.Actor] = map[string]bool{}
			}
			running[e.Actor][e.Task] = true
		case history.Paused: // what runs may be left behind when the process goes on
			delete(running, e.Actor)
		case history.Ended:
			delete(running[e.Actor], e.Task)
			ended[e.Task] = e.Actor
		}
	}
}

// markOf is the mark that a write makes.
func markOf(e *history.Event) (mark, bool) {
	before := 0
	if e.Before != nil && e.Before.Generation == e.After.Generation {
		before = e.Before.Starts
	}
	return mark{e.Actor, e.After.Generation, e.After.Starts}, e.After.State == open && e.After.Starts > before
}

// attemptsAreEarned is I24.
func (h *History) attemptsAreEarned() {
	for _, s := range h.order {
		var m mark
		for i := range s.events {
			e := &s.events[i]
			if e.Kind != history.Wrote {
				continue
			}
			h.judged["I24"]++
			if e.After.State == open {
				h.attempts(s, e)
			}
			gaveBack := e.Before != nil && e.After.State == open && e.After.GiveBacks > e.Before.GiveBacks
			ours := m.actor == e.Actor && m.generation == e.After.Generation
			if gaveBack && ours && len(s.sent) == 1 && e.After.Starts >= m.starts {
				h.breaks("I24", "%s gives task %s back and leaves the mark of its start: %s", e.Actor, s.id, e)
			}
			if next, ok := markOf(e); ok {
				m = next
			} else if gaveBack || !ours {
				m = mark{}
			}
		}
	}
}

// attempts holds those on record against the runs that may have failed.
func (h *History) attempts(s *story, e *history.Event) {
	if s.End == "deaf" {
		return
	}
	failed := 0
	for _, r := range s.runs {
		if r.generation == e.After.Generation && r.began < e.At && (!r.over || r.ended > e.At || !r.ok && r.counts()) {
			failed++
		}
	}
	if e.After.Attempts > failed {
		h.breaks("I24", "task %s has %d failed attempts on record, and %d runs failed: %s", s.id, e.After.Attempts, failed, e)
	}
}

// counts tells whether a run that failed has used an attempt.
func (r *run) counts() bool {
	for _, text := range []string{"snoozed for", "worker is stopping", "lease lost", "task was cancelled"} {
		if strings.Contains(r.why, text) {
			return false
		}
	}
	return true
}

// onceInAProcess is I25. In a process that stood still a handler may have been
// left behind.
func (h *History) onceInAProcess() {
	running, paused := map[string]map[string]bool{}, map[string]bool{}
	for i := range h.events {
		e := &h.events[i]
		switch e.Kind {
		case history.Paused:
			paused[e.Actor] = true
		case history.Began:
			if running[e.Actor] == nil {
				running[e.Actor] = map[string]bool{}
			}
			h.judged["I25"]++
			if running[e.Actor][e.Task] && !paused[e.Actor] && h.stories[e.Task].End != "deaf" {
				h.breaks("I25", "task %s runs in %s at %v beside itself", e.Task, e.Actor, e.At)
			}
			running[e.Actor][e.Task] = true
		case history.Ended:
			delete(running[e.Actor], e.Task)
		}
	}
}

// drainMoment is what a handler may take to return once its context has ended.
const drainMoment = time.Second

// mostUnpolled is more seconds than a receive and the pause after a failed one take.
const mostUnpolled = 60

// stopsAreHeard is the part of I13 about workers that have no room to receive into:
// there is no poll to wait for, so that the drain time begins at once.
func (h *History) stopsAreHeard() {
	running, stopping, paused := map[string]map[string]bool{}, map[string]time.Duration{}, map[string]bool{}
	for i := range h.events {
		e := &h.events[i]
		switch e.Kind {
		case history.Paused:
			paused[e.Actor] = true
		case history.Stopping:
			if room := len(running[e.Actor]) < h.facts.Slots; room && !paused[e.Actor] && e.N > mostUnpolled {
				h.breaks("I14", "%s has room, and has not received for %d s at %v", e.Actor, e.N, e.At)
			} else if !room {
				h.judged["I13"]++
				stopping[e.Actor] = e.At
			}
		case history.Began:
			if h.stories[e.Task].End == "deaf" {
				continue
			}
			if running[e.Actor] == nil {
				running[e.Actor] = map[string]bool{}
			}
			running[e.Actor][e.Task] = true
		case history.Ended:
			at, full := stopping[e.Actor]
			if full && running[e.Actor][e.Task] && !paused[e.Actor] && e.At > at+h.facts.Drain+drainMoment {
				h.breaks("I13", "%s was told to stop at %v, and task %s ran on until %v", e.Actor, at, e.Task, e.At)
			}
			delete(running[e.Actor], e.Task)
		}
	}
}
