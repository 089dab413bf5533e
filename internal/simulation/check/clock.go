package check

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

const (
	// slack is by how much a claim may be too long: holders stop earlier and takers
	// wait longer than that.
	slack = 2 * time.Second
	// onTheWay is how long a write may be under way: a process that stands still in
	// between, and requests that take seconds.
	onTheWay = 3 * time.Minute
	// clocksApart is how wrong a process's clock may be, and longestDelay how long a
	// record lasts beyond what is said.
	clocksApart  = 5 * time.Minute
	longestDelay = time.Hour
)

// clocksAgree is I27.
func (h *History) clocksAgree() {
	for _, s := range h.order {
		if s.known { // else it is a key
			h.clockOf(s)
		}
	}
}

func (h *History) clockOf(s *story) {
	receives := 0
	for _, e := range s.events {
		switch {
		case e.Kind == history.Received && name(e.Actor) == QueueName:
			receives++
		case e.Kind != history.Wrote:
		case e.After.State == open:
			h.lasts(s, &e)
		case e.After.State == expired && receives <= 1 && len(s.sent) > 0: // later, the clock of the worker counts
			h.expiresInTime(s, &e)
		}
	}
}

// expiresInTime looks at the end of a task that has not run in its time.
func (h *History) expiresInTime(s *story, e *history.Event) {
	h.judged["I27"]++
	if e.At < s.sent[0].At+s.TTL-time.Millisecond { // SQS counts milliseconds
		h.breaks("I27", "task %s, which was sent at %v, expires at %v and not after %v", s.id, s.sent[0].At, e.At, s.TTL)
	}
}

func (h *History) lasts(s *story, e *history.Event) {
	claimed := e.Before == nil || e.After.Epoch > e.Before.Epoch
	if claimed && e.Ends != 0 {
		h.judged["I27"]++
		if e.Ends > h.facts.Lease+slack || e.Ends < -onTheWay {
			h.breaks("I27", "%s claims task %s for %v by the table's clock, and not for %v", e.Actor, s.id, e.Ends, h.facts.Lease)
		}
	}
}

// recordsExpire is I26. Keys are kept for less time than tasks.
func (h *History) recordsExpire() {
	for i := range h.events {
		e := &h.events[i]
		if e.Kind != history.Wrote {
			continue
		}
		h.judged["I26"]++
		least := time.Duration(1)
		if h.stories[e.Task].known {
			least = goflow.DefaultRecordTTL - clocksApart - onTheWay
		}
		if e.Expires < least || e.Expires > goflow.DefaultRecordTTL+longestDelay {
			h.breaks("I26", "the record of task %s, which %s writes, expires in %v: %s", e.Task, e.Actor, e.Expires, e)
		}
	}
}
