package check

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// runsAreBounded is I7 and I8: each run has a receive of its own, no attempt is
// beyond the last one, and a task that kills its process does so at most once more
// than it has attempts.
func (h *History) runsAreBounded() {
	for _, s := range h.order {
		receives := 0
		for _, e := range s.events {
			if e.Kind == history.Received && name(e.Actor) == QueueName {
				receives++
			}
		}
		if len(s.runs) > 0 {
			h.judged["I7"]++
		}
		if len(s.runs) > receives {
			h.breaks("I7", "task %s ran %d times and was received %d times", s.id, len(s.runs), receives)
		}
		if h.facts.Faults == 0 && h.twice(s) {
			h.breaks("I7", "nothing went wrong, and task %s succeeded twice", s.id)
		}
		killed := map[int]int{}
		for _, r := range s.runs {
			h.judged["I8"]++
			if r.attempt > s.MaxAttempts {
				h.breaks("I8", "task %s ran as attempt %d of %d", s.id, r.attempt, s.MaxAttempts)
			}
			killed[r.generation]++
			if s.Kills && r.generation == 1 && killed[1] > s.MaxAttempts+1 && h.copies(s) == 1 {
				h.breaks("I8", "task %s killed its process %d times", s.id, killed[1])
			}
		}
	}
}

// twice tells whether a generation succeeded twice, where no run outlived its attempt,
// and no process that ran the task died: by another task, it leaves a message whose
// letter is sent twice, and so a copy in the next generation.
func (h *History) twice(s *story) bool {
	wins := map[int]int{}
	for _, r := range s.runs {
		if h.died[r.actor] {
			return false
		}
		if r.ok && !s.leftBehind(r) {
			wins[r.generation]++
		}
	}
	for _, n := range wins {
		if n > 1 {
			return true
		}
	}
	return false
}

// leftBehind tells whether a run does not return when its time is over.
func (s *story) leftBehind(r *run) bool { return s.End == "deaf" && r.attempt == 1 }

// copies is how many messages of the first generation a task has.
func (h *History) copies(s *story) (n int) {
	for _, e := range s.sent {
		if e.Generation == 1 {
			n++
		}
	}
	for _, e := range s.events {
		if e.Kind == history.Received && e.Text != "" {
			n++ // a duplicate that the queue made
		}
	}
	return n
}

// neverEarly is I11.
func (h *History) neverEarly() {
	for _, s := range h.order {
		if s.Delay == 0 || len(s.sent) == 0 {
			continue
		}
		due := s.sent[0].At + s.Delay - time.Millisecond // SQS counts milliseconds
		for _, r := range s.runs {
			h.judged["I11"]++
			if r.began < due {
				h.breaks("I11", "task %s was due at %v and ran at %v", s.id, due, r.began)
			}
		}
	}
}

// stopTime is how long a worker may take to stop: a poll, the drain, the grace of
// its handlers and the settling of what they left.
const stopTime = 2 * time.Minute

// stopsAreClean is I13. Goroutines that are left behind end the bubble by themselves.
func (h *History) stopsAreClean() {
	told := map[string]time.Duration{}
	killed := map[string]bool{}
	for _, e := range h.events {
		switch e.Kind {
		case history.Stopping:
			if !killed[e.Actor] {
				told[e.Actor] = e.At
			}
		case history.Killed:
			killed[e.Actor] = true
			delete(told, e.Actor)
		case history.Stopped:
			h.judged["I13"]++
			if took := e.At - told[e.Actor]; told[e.Actor] > 0 && took > stopTime {
				h.breaks("I13", "%s took %v to stop", e.Actor, took)
			}
			if _, asked := told[e.Actor]; strings.HasPrefix(e.Text, "failed") || e.Text == "ok" && !asked {
				h.breaks("I13", "%s stopped by itself: %s", e.Actor, e.Text)
			}
			delete(told, e.Actor)
		}
	}
	for actor, at := range told {
		h.breaks("I13", "%s was told to stop at %v and did not", actor, at)
	}
}

// wakeTime is how long after a pause handlers may take to see that their contexts
// have ended.
const wakeTime = time.Second

// slotsHold is I14: a worker runs no more than it has slots. A handler that does not
// return when its context ends keeps none, and in a process that stands still none
// returns.
func (h *History) slotsHold() {
	running, awake := map[string]int{}, map[string]time.Duration{}
	events := slices.Clone(h.events)
	slices.SortStableFunc(events, func(a, b history.Event) int { // a slot has its next run at the instant at which it is free
		if order := cmp.Compare(a.At, b.At); order != 0 || a.Kind == b.Kind {
			return order
		}
		if a.Kind == history.Began {
			return 1
		}
		return -1
	})
	for _, e := range events {
		switch {
		case e.Kind == history.Paused:
			d, _ := time.ParseDuration(e.Text) // as the process wrote it
			awake[e.Actor] = e.At + d + wakeTime
		case e.Kind == history.Began && !h.deaf(&e):
			running[e.Actor]++
			h.judged["I14"]++
			if running[e.Actor] > h.facts.Slots && e.At > awake[e.Actor] {
				h.breaks("I14", "%s ran %d handlers at %v on %d slots", e.Actor, running[e.Actor], e.At, h.facts.Slots)
			}
		case e.Kind == history.Ended && !h.deaf(&e):
			running[e.Actor]--
		}
	}
}

// deaf tells whether a run does not heed its context.
func (h *History) deaf(e *history.Event) bool {
	return h.stories[e.Task].End == "deaf" && e.N == 1 && e.Generation == 1
}

// leasesAreKept is I17: nobody touches the lease of a message that is over.
func (h *History) leasesAreKept() {
	for _, e := range h.events {
		if e.Kind != history.Touched {
			continue
		}
		h.judged["I17"]++
		if e.N == 1 {
			h.breaks("I17", "%s changes the lease of task %s at %v, which is over", e.Actor, e.Task, e.At)
		}
	}
}

// onceIsOnce is I18: a task whose result is stored is not run again, and who runs
// one to its end holds the claim.
func (h *History) onceIsOnce() {
	for _, s := range h.order {
		if !s.Once {
			continue
		}
		owner := ""
		var row *history.Row
		for _, e := range s.events {
			switch e.Kind {
			case history.Wrote:
				if e.Before == nil || e.After.Epoch > e.Before.Epoch || e.After.Generation > e.Before.Generation {
					owner = e.Actor
				}
				row = e.After
			case history.Began:
				h.judged["I18"]++
				if row != nil && row.Generation == e.Generation && (row.State == done || row.State == dead) {
					h.breaks("I18", "task %s runs again at %v", s.id, e.At)
				}
			case history.Ended:
				if _, ok := strings.CutPrefix(e.Text, "ok: "); ok && row != nil && row.Generation == e.Generation && owner != e.Actor {
					h.breaks("I18", "task %s ended well in %s at %v while %s held it", s.id, e.Actor, e.At, owner)
				}
			}
		}
	}
}

// orderHolds is I19: nothing of a group runs before what was sent before it has an outcome.
func (h *History) orderHolds() {
	if !h.facts.Ordered {
		return
	}
	type member struct {
		s    *story
		over time.Duration // when it got its outcome; 0: never
	}
	groups := map[string][]*member{}
	for _, e := range h.events {
		switch {
		case e.Kind == history.Sent && name(e.Actor) == QueueName && e.Generation == 1:
			if s := h.stories[e.Task]; s.Group != "" {
				groups[s.Group] = append(groups[s.Group], &member{s: s})
			}
		case e.Kind == history.Wrote && e.After.State != open, e.Kind == history.Ended && h.stories[e.Task].finishes(&e):
			for _, m := range groups[h.stories[e.Task].Group] {
				if m.s.id == e.Task && m.over == 0 {
					m.over = e.At
				}
			}
		case e.Kind == history.Began && e.Generation == 1:
			for _, m := range groups[h.stories[e.Task].Group] {
				if m.s.id == e.Task {
					break
				}
				h.judged["I19"]++
				if m.over == 0 {
					h.breaks("I19", "task %s runs at %v, and %s before it in group %s has no outcome", e.Task, e.At, m.s.id, m.s.Group)
				}
			}
		}
	}
}
