package check

import (
	"maps"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// callsAreRight is I21.
func (h *History) callsAreRight() {
	for i := range h.events {
		switch e := &h.events[i]; e.Kind {
		case history.Wrong:
			h.breaks("I21", "%s makes a call at %v that AWS refuses: %s", e.Actor, e.At, e.Text)
		case history.Wrote, history.Sent, history.Received:
			h.judged["I21"]++
		}
	}
}

// What a process gets to try a delete again, and what it may take to hear that one
// has failed: who hears that late has no time left for another.
const (
	deleteAgain = 15 * time.Second
	deleteHeard = 5 * time.Second
	deleteChain = time.Minute // deletes that are further apart have nothing to do with each other
)

// deletesAreRepeated is I22, for the first delete of a message by a process.
func (h *History) deletesAreRepeated() {
	type deleter struct{ actor, task string }
	began, failed := map[deleter]time.Duration{}, map[deleter]time.Duration{}
	paused := map[string]time.Duration{} // until when: who stands still repeats nothing
	forget := func(e *history.Event, length time.Duration) {
		paused[e.Actor] = max(paused[e.Actor], e.At+length)
		maps.DeleteFunc(failed, func(d deleter, _ time.Duration) bool { return d.actor == e.Actor })
	}
	for i := range h.events {
		e := &h.events[i]
		d := deleter{e.Actor, e.Task}
		switch e.Kind {
		case history.Deleting:
			if at := failed[d]; at > 0 && e.At-at > deleteAgain {
				h.breaks("I22", "%s heard at %v that task %s was not deleted, and left it", e.Actor, at, e.Task)
			}
			delete(failed, d)
			if last, ok := began[d]; !ok || e.At-last > deleteChain {
				h.judged["I22"]++
				failed[d] = -1 // nothing yet
			}
			began[d] = e.At
		case history.Undeleted:
			if at, first := failed[d]; first && at < 0 && e.At-began[d] < deleteHeard && e.At >= paused[e.Actor] {
				failed[d] = e.At
			}
		case history.Paused:
			length, _ := time.ParseDuration(e.Text) // the process wrote it
			forget(e, length)
		case history.Fault:
			if how, ok := strings.CutSuffix(e.Text, " DeleteMessageBatch"); ok { // of the SDK, which may pause for long before the next try
				took, _ := time.ParseDuration(strings.TrimPrefix(how, "slow: "))
				forget(e, took) // when it hears, who knows
			}
		case history.Killed, history.Deleted: // by whomever
			maps.DeleteFunc(failed, func(d deleter, _ time.Duration) bool { return d.actor == e.Actor || d.task == e.Task })
		}
	}
	for d, at := range failed {
		if at > 0 {
			h.breaks("I22", "%s heard at %v that task %s was not deleted, and left it", d.actor, at, d.task)
		}
	}
}
