package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// twin is a history that breaks an invariant, and one much like it that does not.
type twin struct{ breaks, keeps func(*tale) }

// pair makes a twin of what differs in one word.
func pair[T any](tell func(s *tale, word T), breaks, keeps T) twin {
	return twin{func(s *tale) { tell(s, breaks) }, func(s *tale) { tell(s, keeps) }}
}

// TestInvariants: each finds the history that breaks it, and no other is broken by
// that; it looks at the one that keeps it, and finds nothing.
func TestInvariants(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for invariant, twins := range map[string]map[string]twin{
		"I1": lostTwins(), "I2": unexpectedTwins(), "I3": outcomeTwins(), "I4": deletedTwins(), "I5": fencedTwins(), "I6": forwardTwins(),
		"I7": runTwins(), "I8": attemptTwins(), "I9": earnedTwins(), "I10": letterTwins(), "I11": earlyTwins(), "I12": drainTwins(),
		"I13": stopTwins(), "I14": slotTwins(), "I15": readTwins(), "I16": rejectedTwins(), "I17": leaseTwins(), "I18": onceTwins(), "I19": orderTwins(),
		"I20": keyTwins(), "I21": callTwins(), "I22": deleteTwins(), "I23": suspectTwins(), "I24": countTwins(), "I25": besideTwins(),
		"I26": recordTwins(), "I27": clockTwins(),
	} {
		seen[invariant] = true
		for name, twin := range twins {
			t.Run(invariant+"/"+name, func(t *testing.T) {
				t.Parallel()
				broken, _ := told(twin.breaks).Violations()
				require.NotEmpty(t, broken, "the history that breaks it")
				for _, v := range broken {
					require.Equal(t, invariant, v.Invariant, v.Text)
				}
				broken, judged := told(twin.keeps).Violations()
				require.Empty(t, broken, "the history that keeps it")
				require.Positive(t, judged[invariant], "it was not even looked at")
			})
		}
	}
	for _, i := range check.Invariants() {
		require.True(t, seen[i.Name], "%s has no test", i.Name)
	}
}

func lostTwins() map[string]twin {
	return map[string]twin{
		"no outcome at all": {func(s *tale) { s.asked() }, (*tale).went},
		"an open row is no outcome": pair(func(s *tale, state int) {
			s.asked()
			s.ran(ann, "r")
			s.wrote(ann, history.Row{State: state, Generation: 1, Result: `{"by":"r"}`})
		}, open, done),
		"sent, and nobody was told": pair(func(s *tale, rejected bool) {
			s.pushing()
			if !rejected {
				s.sent(1)
			}
			s.pushed(map[bool]string{true: "rejected", false: "ambiguous"}[rejected])
			s.on(2)
			s.went()
		}, false, true),
		"a failed run is no outcome of one without results": pair(func(s *tale, text string) {
			s.about(1, func(t *check.Task) { t.NoResult = true })
			s.asked()
			s.began(ann, 1, 1)
			s.ended(ann, text)
		}, "failed: no", "ok: r"),
	}
}

func unexpectedTwins() map[string]twin {
	return map[string]twin{
		"an errand that is none": pair(func(s *tale, known bool) {
			s.asked()
			s.began(ann, 0, 1) // an attempt that no limit forbids
			if !known {
				delete(s.facts.Tasks, 1)
			}
			s.wrote(ann, history.Row{State: done, Generation: 1, Result: `{"by":"r"}`})
			s.ended(ann, "ok: r")
		}, false, true),
		"under an ID that was never sent": pair(func(s *tale, other bool) {
			s.asked()
			if other {
				s.events = s.events[:0] // the queue has none of that ID
			}
			s.began(ann, 1, 1)
			s.ended(ann, "ok: r")
			s.kept(ann, "r", 1, 0)
		}, true, false),
	}
}

func outcomeTwins() map[string]twin {
	twice := func(s *tale, second string) {
		s.asked()
		s.ran(ann, "first")
		s.ran(ben, "second")
		s.kept(ann, "first", 1, 0)
		s.kept(ben, second, 1, 0)
		s.deleted(1)
	}
	return map[string]twin{
		"the second result overwrites the first": pair(twice, "second", "first"),
		"the dead become done": pair(func(s *tale, generation int) {
			s.asked()
			s.failed(3)
			s.died("failed", 3)
			s.began(ben, 1, generation)
			s.ended(ben, "ok: r")
			s.kept(ben, "r", generation, 0)
		}, 1, 2),
	}
}

func deletedTwins() map[string]twin {
	return map[string]twin{
		"before the result is stored": pair(func(s *tale, early bool) {
			s.asked()
			s.ran(ann, "r")
			if early {
				s.deleted(1)
			}
			s.kept(ann, "r", 1, 0)
			if !early {
				s.deleted(1)
			}
		}, true, false),
		"a message of generation 2, for the outcome of 1": pair(func(s *tale, reopened bool) {
			s.asked()
			s.failed(3)
			s.died("failed", 3)
			s.sent(2)
			if reopened {
				s.wrote(ann, history.Row{Generation: 2})
				s.began(ann, 1, 2)
				s.ended(ann, "ok: r")
				s.kept(ann, "r", 2, 0)
			}
			s.deleted(2)
		}, false, true),
		"a copy carries it on, of a task that has no long delay": pair(func(s *tale, delay time.Duration) {
			s.about(1, func(t *check.Task) { t.Delay = delay })
			s.asked()
			s.sent(1)
			s.deleted(1)
			s.now += time.Hour
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
			s.deleted(1)
		}, time.Minute, time.Hour/2),
		"no copy carries on a task with a long delay": pair(func(s *tale, copied bool) {
			s.about(1, func(t *check.Task) { t.Delay = time.Hour })
			s.asked()
			if copied {
				s.sent(1)
			}
			s.deleted(1)
			s.now += time.Hour
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		}, false, true),
		"a run without results that failed": pair(func(s *tale, text string) {
			s.about(1, func(t *check.Task) { t.NoResult = true })
			s.asked()
			s.began(ann, 1, 1)
			s.ended(ann, text)
			s.deleted(1)
			s.ran(ann, "r") // later, by a copy
		}, "failed: no", "ok: r"),
		"a run without results that panicked": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.NoResult, t.End = true, end })
			s.asked()
			s.ran(ann, "r")
			s.deleted(1)
			s.wrote(ann, history.Row{State: done, Generation: 2})
			s.began(ann, 1, 2)
			s.ended(ann, "ok: r")
		}, "panic", ""),
	}
}

func fencedTwins() map[string]twin {
	return map[string]twin{
		"by who has lost the claim": pair(func(s *tale, writer string) {
			s.asked()
			s.wrote(ann, history.Row{Generation: 1, Epoch: 1})
			s.ran(ann, "r")
			s.wrote(ben, history.Row{Generation: 1, Epoch: 2})
			s.ran(ben, "r")
			s.kept(writer, "r", 1, 2)
			s.deleted(1)
		}, ann, ben),
		"more than a mark by another": pair(func(s *tale, giveBacks int) {
			s.asked()
			s.wrote(ann, history.Row{Generation: 1, Epoch: 1})
			s.wrote(ben, history.Row{Generation: 1, Epoch: 1, Starts: 1, GiveBacks: giveBacks})
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 1)
		}, 1, 0),
		"one that is Once, though it was pushed twice": pair(func(s *tale, once bool) {
			s.about(1, func(t *check.Task) { t.Once = once })
			s.asked()
			s.sentWith(1, `,"options":{"once":true}`)
			s.wrote(ann, history.Row{Generation: 1, Epoch: 1})
			s.wrote(ben, history.Row{Generation: 1, Epoch: 1, GiveBacks: 1})
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 1)
			s.on(2)
			s.asked()
			s.wrote(ann, history.Row{Generation: 1, Epoch: 1})
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 1)
		}, true, false),
	}
}

func forwardTwins() map[string]twin {
	moves := func(from, to, instead history.Row) twin {
		return pair(func(s *tale, next history.Row) {
			s.asked()
			s.facts.Left = []string{s.id()}
			for n := range 3 { // which the attempts on record are of
				s.began(ann, n+1, 2)
				s.ended(ann, "failed: no")
			}
			s.wrote(ann, from)
			s.wrote(ann, next)
		}, to, instead)
	}
	was := history.Row{Generation: 2, Attempts: 1, GiveBacks: 2, Starts: 1, Epoch: 2}
	with := func(change func(*history.Row)) history.Row {
		row := was
		change(&row)
		return row
	}
	return map[string]twin{
		"generation goes back": moves(was, with(func(r *history.Row) { r.Generation, r.Attempts = 1, 0 }), was),
		"attempts go back":     moves(was, with(func(r *history.Row) { r.Attempts, r.GiveBacks, r.Starts = 0, 3, 0 }), with(func(r *history.Row) { r.Attempts = 2 })),
		"attempts leap":        moves(was, with(func(r *history.Row) { r.Attempts = 3 }), with(func(r *history.Row) { r.Attempts = 2 })),
		"give-backs go back":   moves(was, with(func(r *history.Row) { r.GiveBacks = 1 }), with(func(r *history.Row) { r.GiveBacks, r.Starts = 3, 0 })),
		"epoch goes back":      moves(was, with(func(r *history.Row) { r.Epoch = 1 }), with(func(r *history.Row) { r.Epoch = 3 })),
		"starts leap":          moves(was, with(func(r *history.Row) { r.Starts = 3 }), with(func(r *history.Row) { r.Starts = 2 })),
		"the done are redriven": pair(func(s *tale, next history.Row) {
			s.wrote(ann, history.Row{State: done, Generation: 1})
			s.wrote(ann, next)
		}, history.Row{Generation: 2}, history.Row{State: done, Generation: 1}),
		"the open are redriven": pair(func(s *tale, state int) {
			s.wrote(ann, history.Row{State: state, Generation: 1})
			s.wrote(ann, history.Row{Generation: 2})
		}, open, dead),
	}
}

func runTwins() map[string]twin {
	return map[string]twin{
		"two runs of one receive": pair(func(s *tale, receives int) {
			s.asked()
			for range receives {
				s.received()
			}
			for _, worker := range []string{ann, ben} {
				s.of(worker, history.Began, turn{1, 1}, "1")
				s.of(worker, history.Ended, turn{1, 1}, "ok: r")
			}
			s.kept(ann, "r", 1, 0)
		}, 1, 2),
		"two successes and no fault, but for one's process": pair(func(s *tale, killed string) {
			s.facts.Faults = 0
			s.asked()
			s.ran(ann, "r")
			s.add(history.Event{Actor: killed, Kind: history.Killed})
			s.ran(ben, "r")
			s.kept(ben, "r", 1, 0)
		}, "client-1.1", ann),
		"two successes and no fault, but for the ear of one": pair(func(s *tale, end string) {
			s.facts.Faults = 0
			s.about(1, func(t *check.Task) { t.End = end })
			s.asked()
			s.ran(ann, "r")
			s.ran(ben, "r")
			s.kept(ann, "r", 1, 0)
		}, "", "deaf"),
		"two successes and no fault": pair(func(s *tale, faults int) {
			s.facts.Faults = faults
			s.asked()
			s.ran(ann, "r")
			s.ran(ben, "r")
			s.kept(ann, "r", 1, 0)
		}, 0, 1),
	}
}

func attemptTwins() map[string]twin {
	return map[string]twin{
		"a run beyond the last": pair(func(s *tale, attempt int) {
			s.asked()
			s.began(ann, attempt, 1)
			s.ended(ann, "ok: r")
			s.kept(ann, "r", 1, 0)
		}, 4, 3),
		"more attempts on record than runs that failed": pair(func(s *tale, attempts int) {
			s.asked()
			s.failed(3)
			s.died("failed", attempts)
		}, 4, 3),
		"it kills too many processes": pair(func(s *tale, kills int) {
			s.about(1, func(t *check.Task) { t.Kills, t.End = true, "die" })
			s.asked()
			for n := range kills {
				worker := "worker-0." + string(rune('1'+n))
				s.began(worker, min(n+1, 3), 1)
				s.add(history.Event{Actor: worker, Kind: history.Killed})
				if n < 3 {
					s.wrote(worker, history.Row{Generation: 1, Starts: n + 1})
				}
			}
			s.died("crashed", 0)
		}, 5, 4),
	}
}
