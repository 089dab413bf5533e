package check

import (
	"strings"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Rare counts situations that have to occur now and then: a simulation in which one
// never does, does not test what it is thought to. They are Antithesis' "sometimes
// assertions": https://antithesis.com/docs/best_practices/sometimes_assertions
func (h *History) Rare() map[string]int {
	counts := map[string]int{}
	for _, name := range Situations() {
		counts[name] = 0
	}
	for i := range h.events {
		if name := situation(&h.events[i]); name != "" {
			counts[name]++
		}
	}
	if h.facts.Faults == 0 {
		counts[allCalm]++
	}
	for _, s := range h.order {
		for _, name := range s.situations(h.facts.Rows[s.id]) {
			counts[name]++
		}
	}
	return counts
}

// The situations.
const (
	leasedTwice     = "a leased message was delivered again"
	deletedTwice    = "a deleted message was delivered again"
	pausedLong      = "a process stood still"
	movedAway       = "a task ran twice at a time"
	abandoned       = "a worker stopped and abandoned tasks"
	stuck           = "a worker ended as all its handlers were stuck"
	notStarted      = "a worker could not start"
	runCut          = "a process died in a handler"
	leaseLost       = "a handler's lease was lost"
	timedOut        = "a handler's time was over"
	stopping        = "a handler was ended as its worker stopped"
	cancelSeen      = "a handler was ended by a cancel"
	snoozed         = "a handler put its task off"
	sentInDoubt     = "an ambiguous push had been carried out"
	unsentInDoubt   = "an ambiguous push had not been carried out"
	madeCertain     = "a push that failed was made certain under its ID"
	keyHeld         = "a push was refused as another task held its key"
	marked          = "a start was marked"
	markTaken       = "a mark was taken back"
	claimTaken      = "a claim went to another process"
	claimKept       = "a claim was renewed"
	claimed         = "a task was claimed"
	firstWins       = "two runs succeeded and the first result stayed"
	foundFinished   = "a finished task was delivered again and not run"
	diedBeforeLeave = "a process died between the outcome and the delete"
	lateLetter      = "a dead task was delivered again and its letter sent then"
	killer          = "a task that kills its process died of it"
	lastChance      = "a task failed in its last attempt"
	secondLife      = "a redriven task succeeded"
	diedAgain       = "a redriven task died again"
	expiredUnrun    = "a task expired"
	cancelledUnrun  = "a task was cancelled before it ran"
	unknownDied     = "a task of unknown type died"
	malformedDied   = "a message that nobody can read died"
	largeDied       = "a result was refused"
	hopped          = "a long delay was hopped over"
	allCalm         = "a whole history without faults"
	inOrder         = "a group waited for a task that had to come again"
)

// Situations are all there are.
func Situations() []string {
	return []string{
		leasedTwice, deletedTwice, pausedLong, movedAway, abandoned, stuck, notStarted, runCut, leaseLost, timedOut, stopping, cancelSeen,
		snoozed, sentInDoubt, unsentInDoubt, madeCertain, keyHeld, marked, markTaken, claimTaken, claimKept, claimed, firstWins, foundFinished,
		diedBeforeLeave, lateLetter, killer, lastChance, secondLife, diedAgain, expiredUnrun, cancelledUnrun, unknownDied, malformedDied,
		largeDied, hopped, inOrder, allCalm,
	}
}

// situation is one that a single event tells of.
func situation(e *history.Event) string {
	switch e.Kind {
	case history.Received:
		return map[string]string{"duplicate": leasedTwice, "ghost": deletedTwice}[e.Text]
	case history.Paused:
		return pausedLong
	case history.Stopped:
		word, _, _ := strings.Cut(e.Text, " ")
		return map[string]string{"abandoned": abandoned, "stuck": stuck, "did": notStarted}[word]
	case history.Ended:
		for text, name := range map[string]string{
			"lease lost": leaseLost, "timed out": timedOut, "worker is stopping": stopping, "task was cancelled": cancelSeen, "snoozed for": snoozed,
		} {
			if strings.Contains(e.Text, text) {
				return name
			}
		}
	case history.Wrote:
		return written(e)
	}
	return ""
}

// written is a situation that a change of a row tells of.
func written(e *history.Event) string {
	b, a := e.Before, e.After
	switch {
	case b == nil:
		return map[bool]string{true: claimed, false: ""}[a.Epoch == 1]
	case a.Generation != b.Generation || a.State != open:
		return ""
	case a.Epoch > b.Epoch && b.Epoch > 0:
		return claimTaken
	case a.Starts > b.Starts:
		return marked
	case a.Starts < b.Starts:
		return markTaken
	case a.Epoch == b.Epoch && a.Epoch > 0 && a.GiveBacks == b.GiveBacks:
		return claimKept
	}
	return ""
}

// situations are those of a whole story, which ended as row.
func (s *story) situations(row *history.Row) (names []string) {
	names = append(s.ofRuns(), s.ofPushes()...)
	names = append(names, s.ofDeliveries()...)
	if row == nil || len(s.sent) == 0 {
		return names
	}
	switch reason := row.Reason; {
	case row.State == done && row.Generation > 1:
		names = append(names, secondLife)
	case row.State == expired:
		names = append(names, expiredUnrun)
	case row.State == cancelled && len(s.runs) == 0:
		names = append(names, cancelledUnrun)
	case row.State == dead && row.Generation > 1:
		names = append(names, diedAgain)
	case reason == "crashed" && s.Kills:
		names = append(names, killer)
	case reason == "failed":
		names = append(names, lastChance)
	case reason == "unknown type":
		names = append(names, unknownDied)
	case reason == "malformed":
		names = append(names, malformedDied)
	case reason == "result refused":
		names = append(names, largeDied)
	}
	return names
}

func (s *story) ofRuns() (names []string) {
	for i, r := range s.runs {
		if r.cut {
			names = append(names, runCut)
		}
		for _, other := range s.runs[:i] {
			if r.began < other.ended && other.actor != r.actor {
				names = append(names, movedAway)
			}
		}
	}
	if s.wellEnded() > 1 {
		names = append(names, firstWins)
	}
	return names
}

func (s *story) ofPushes() (names []string) {
	for i, e := range s.pushes {
		switch {
		case e.Text == "ambiguous" && len(s.sent) > 0:
			names = append(names, sentInDoubt)
		case e.Text == "ambiguous":
			names = append(names, unsentInDoubt)
		case e.Text == "ok" && i > 0:
			names = append(names, madeCertain)
		case e.Text == "refused" && s.Key != "":
			names = append(names, keyHeld)
		}
	}
	if s.Delay > maxDelay && len(s.sent) > 1 {
		names = append(names, hopped)
	}
	return names
}

// ofDeliveries looks at what came after an outcome.
func (s *story) ofDeliveries() (names []string) {
	var row *history.Row
	letter, received, failed := false, false, false
	for _, e := range s.events {
		over := row != nil && row.State != open
		switch e.Kind {
		case history.Wrote:
			row, received, letter = e.After, false, false
			failed = failed || s.Group != "" && row.State == open && row.Attempts > 0
		case history.Received:
			if over && name(e.Actor) == QueueName {
				received = true
				names = append(names, diedBeforeLeave)
			}
		case history.Deleted:
			if received && over {
				names = append(names, foundFinished)
			}
		case history.Sent:
			if name(e.Actor) == DeadName {
				if received && over && !letter {
					names = append(names, lateLetter)
				}
				letter = true
			}
		}
	}
	if failed {
		names = append(names, inOrder)
	}
	return names
}
