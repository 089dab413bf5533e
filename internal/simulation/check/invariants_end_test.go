package check_test

import (
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

func earnedTwins() map[string]twin {
	reason := func(change func(*check.Task), runs int) func(*tale, string) {
		return func(s *tale, reason string) {
			s.about(1, change)
			s.asked()
			s.failed(runs)
			s.died(reason, runs)
		}
	}
	plain := func(*check.Task) {}
	return map[string]twin{
		"a result that no run has returned": pair(func(s *tale, result string) {
			s.asked()
			s.ran(ann, "r")
			s.kept(ann, result, 1, 0)
		}, "other", "r"),
		"the result of a run that panicked": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.End = end })
			s.asked()
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		}, "panic", ""),
		"dead after two of three attempts": pair(func(s *tale, attempts int) {
			s.asked()
			s.failed(attempts)
			s.died("failed", attempts)
		}, 2, 3),
		"crashed without a mark": pair(func(s *tale, starts int) {
			s.about(1, func(t *check.Task) { t.Kills = true })
			s.asked()
			for n := range starts {
				s.wrote(ann, history.Row{Generation: 1, Starts: n + 1})
			}
			s.died("crashed", 0)
		}, 2, 3),
		"crashed without a mark, and no run was left behind": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.End = end })
			s.asked()
			s.began(ann, 1, 1)
			for n := range 2 {
				s.wrote(ann, history.Row{Generation: 1, Starts: n + 1})
			}
			s.died("crashed", 0)
		}, "", "deaf"),
		"dead for good, and its handler has not said so": pair(func(s *tale, end string) {
			reason(func(t *check.Task) { t.End = end }, 1)(s, "permanent")
		}, "", "permanent"),
		"malformed, and it ran": pair(func(s *tale, runs int) {
			s.of(check.QueueName, history.Sent, turn{0, 1}, "{")
			if runs > 0 {
				s.asked()
				s.failed(runs)
			}
			s.died("malformed", runs)
		}, 1, 0),
		"malformed, and there was nothing wrong with it": pair(func(s *tale, raw bool) {
			if raw {
				s.of(check.QueueName, history.Sent, turn{0, 1}, "{")
			} else {
				s.asked()
			}
			s.died("malformed", 0)
		}, false, true),
		"of unknown type, and every worker knows it": pair(func(s *tale, unknown bool) {
			reason(func(t *check.Task) { t.Unknown = unknown }, 0)(s, "unknown type")
		}, false, true),
		"result refused, and there is nothing wrong with it": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.End = end })
			s.asked()
			s.ran(ann, "r")
			s.died("result refused", 0)
		}, "", "large"),
		"for a reason that there is not": pair(reason(plain, 3), "boredom", "failed"),
		"cancelled by nobody": pair(func(s *tale, asked bool) {
			s.about(1, func(t *check.Task) { t.Cancelled = asked })
			s.asked()
			s.wrote("canceller-1", history.Row{State: cancelled, Generation: 1})
		}, false, true),
		"expired with all the time there is": pair(func(s *tale, expires bool) {
			s.about(1, func(t *check.Task) { t.Expires = expires })
			s.asked()
			s.wrote(ann, history.Row{State: expired, Generation: 1})
		}, false, true),
	}
}

func letterTwins() map[string]twin {
	return map[string]twin{
		"no letter": pair(func(s *tale, letter bool) {
			s.asked()
			s.failed(3)
			s.wrote(ann, history.Row{State: dead, Generation: 1, Attempts: 3, Reason: "failed"})
			if letter {
				s.letter(1)
			}
			s.deleted(1)
		}, false, true),
		"only that of the first death": pair(func(s *tale, generation int) {
			s.asked()
			s.failed(3)
			s.died("failed", 3)
			s.sent(2)
			s.wrote(ann, history.Row{Generation: 2})
			for n := range 3 {
				s.began(ann, n+1, 2)
				s.ended(ann, "failed: no")
			}
			s.wrote(ann, history.Row{State: dead, Generation: 2, Attempts: 3, Reason: "failed"})
			s.letter(generation)
			s.deleted(2)
		}, 1, 2),
	}
}

func earlyTwins() map[string]twin {
	return map[string]twin{"before it is due": pair(func(s *tale, waits time.Duration) {
		s.about(1, func(t *check.Task) { t.Delay = time.Minute })
		s.asked()
		s.now += waits
		s.ran(ann, "r")
		s.kept(ann, "r", 1, 0)
	}, 50*time.Second, time.Minute)}
}

func drainTwins() map[string]twin {
	return map[string]twin{"something is left": pair(func(s *tale, drained bool) {
		s.asked()
		s.facts.Drained = drained
		if drained {
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		} else {
			s.facts.Left = []string{s.id()}
		}
	}, false, true)}
}

func stopTwins() map[string]twin {
	stops := func(after time.Duration, text string) func(*tale) {
		return func(s *tale) {
			s.add(history.Event{Actor: ann, Kind: history.Stopping})
			s.now += after
			s.add(history.Event{Actor: ann, Kind: history.Stopped, Text: text})
		}
	}
	return map[string]twin{
		"long after its drain time, with no room": pair(func(s *tale, after time.Duration) {
			s.facts.Slots = 1
			s.asked()
			s.began(ann, 1, 1)
			s.add(history.Event{Actor: ann, Kind: history.Stopping})
			s.now += after
			s.ended(ann, "ok: r")
			s.kept(ann, "r", 1, 0)
			s.add(history.Event{Actor: ann, Kind: history.Stopped, Text: "ok"})
		}, 30*time.Second, 4*time.Second),
		"too late":            {stops(time.Hour, "ok"), stops(time.Minute, "abandoned 1")},
		"for an error":        {stops(time.Second, "failed: no"), stops(time.Second, "stuck")},
		"without being asked": {func(s *tale) { s.add(history.Event{Actor: ann, Kind: history.Stopped, Text: "ok"}) }, stops(time.Second, "ok")},
		"never": {
			func(s *tale) { s.add(history.Event{Actor: ann, Kind: history.Stopping}) },
			func(s *tale) { // it was dead, and another is not asked to be
				stops(time.Second, "ok")(s)
				s.add(history.Event{Actor: ben, Kind: history.Killed})
				s.add(history.Event{Actor: ben, Kind: history.Stopping})
			},
		},
	}
}

func slotTwins() map[string]twin {
	// three runs at once on two slots; the last one is of errand 3.
	three := func(s *tale, before func(), end string) {
		for n := range 3 {
			s.about(n+1, func(t *check.Task) { t.End = end })
			s.asked()
		}
		before()
		for n := range 3 {
			s.on(n + 1)
			s.began(ann, 1, 1)
		}
		for n := range 3 {
			s.on(n + 1)
			s.ended(ann, "ok: r")
			s.kept(ann, "r", 1, 0)
		}
	}
	pause := func(s *tale, d, passes time.Duration) {
		s.add(history.Event{Actor: ann, Kind: history.Paused, Text: d.String()})
		s.now += passes
	}
	return map[string]twin{
		"it has room and does not receive":             pair(func(s *tale, seconds int) { unpolled(s, ben, 0, seconds) }, 61, 60),
		"it has room, as one of two runs":              pair(func(s *tale, runs int) { unpolled(s, ben, runs, 61) }, 1, 2),
		"it does not receive, and has not stood still": pair(func(s *tale, paused string) { unpolled(s, paused, 0, 61) }, ben, ann),
		"three on two": pair(func(s *tale, slots int) {
			s.facts.Slots = slots
			three(s, func() {}, "")
		}, 2, 3),
		"long after a pause": pair(func(s *tale, passes time.Duration) {
			three(s, func() { pause(s, 10*time.Second, passes) }, "")
		}, time.Hour, time.Second),
		"in another process than the one that stands still": pair(func(s *tale, actor string) {
			three(s, func() { s.add(history.Event{Actor: actor, Kind: history.Paused, Text: "1h0m0s"}) }, "")
		}, ben, ann),
		"deaf ones in a later attempt": pair(func(s *tale, attempt int) {
			for n := range 3 {
				s.about(n+1, func(t *check.Task) { t.End = "deaf" })
				s.asked()
				s.began(ann, attempt, 1)
			}
			for n := range 3 {
				s.on(n + 1)
				s.ended(ann, "ok: r")
				s.kept(ann, "r", 1, 0)
			}
			s.on(4)
			s.went() // which is looked at
		}, 2, 1),
	}
}

// unpolled is a worker that stops while it runs something, long after its last receive.
func unpolled(s *tale, paused string, runs, seconds int) {
	s.went() // which is looked at
	s.add(history.Event{Actor: paused, Kind: history.Paused, Text: "1s"})
	for n := range runs {
		s.on(n + 2)
		s.asked()
		s.began(ann, 1, 1)
	}
	s.add(history.Event{Actor: ann, Kind: history.Stopping, N: seconds})
	for n := range runs {
		s.on(n + 2)
		s.ended(ann, "ok: r")
		s.kept(ann, "r", 1, 0)
	}
	s.add(history.Event{Actor: ann, Kind: history.Stopped, Text: "ok"})
}

func rejectedTwins() map[string]twin {
	return map[string]twin{
		"rejected, and sent": pair(func(s *tale, how string) {
			s.pushing()
			s.sent(1)
			s.pushed(how)
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		}, "rejected", "ambiguous"),
		"another push of it never ended": pair(func(s *tale, died bool) {
			if died {
				s.pushing()
			}
			s.pushing()
			s.sent(1)
			s.pushed("refused")
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		}, false, true),
	}
}

func leaseTwins() map[string]twin {
	return map[string]twin{"its own is over": pair(func(s *tale, over int) { s.of(ann, history.Touched, turn{over, 0}, "") }, 1, 0)}
}

func onceTwins() map[string]twin {
	once := func(t *check.Task) { t.Once = true }
	return map[string]twin{
		"after its result": pair(func(s *tale, again bool) {
			s.about(1, once)
			s.went()
			if again {
				s.began(ben, 2, 1)
				s.ended(ben, "failed: no")
			}
		}, true, false),
		"after its death": pair(func(s *tale, generation int) {
			s.about(1, once)
			s.asked()
			s.failed(3)
			s.died("failed", 3)
			s.began(ben, 1, generation)
			s.ended(ben, "failed: no")
		}, 1, 2),
		"to its end without the claim": pair(func(s *tale, text string) {
			s.about(1, once)
			s.asked()
			s.wrote(ann, history.Row{Generation: 1, Epoch: 1})
			s.began(ann, 1, 1)
			s.wrote(ben, history.Row{Generation: 1, Epoch: 2})
			s.ended(ann, text)
			s.ran(ben, "r")
			s.kept(ben, "r", 1, 2)
		}, "ok: r", "failed: lease lost"),
	}
}

func orderTwins() map[string]twin {
	grouped := func(s *tale) {
		s.facts.Ordered = true
		for n := range 2 {
			s.about(n+1, func(t *check.Task) { t.Group = "a" })
			s.asked()
		}
		s.on(1)
	}
	end := func(s *tale, n int) {
		s.on(n)
		s.ended(ann, "ok: r")
		s.kept(ann, "r", 1, 0)
	}
	return map[string]twin{
		"the second before the first is over": pair(func(s *tale, order []int) {
			grouped(s)
			s.began(ann, 1, 1)
			for _, n := range order {
				if n == 2 {
					s.on(2)
					s.began(ann, 1, 1)
				} else {
					end(s, 1)
				}
			}
			end(s, 2)
		}, []int{2, 1}, []int{1, 2}),
		"in one group": pair(func(s *tale, group string) {
			grouped(s)
			s.about(1, func(t *check.Task) { t.Group = group })
			for n := range 2 {
				s.on(2 - n)
				s.began(ann, 1, 1)
				end(s, 2-n)
			}
			s.on(3)
			s.about(3, func(t *check.Task) { t.Group = "a" })
			s.went() // which is looked at
		}, "a", "b"),
		"a failed run without results is no end": pair(func(s *tale, text string) {
			grouped(s)
			s.about(1, func(t *check.Task) { t.NoResult = true })
			s.began(ann, 1, 1)
			s.ended(ann, text)
			s.on(2)
			s.began(ann, 1, 1)
			end(s, 2)
			s.on(1)
			s.ran(ann, "r")
		}, "failed: no", "ok: r"),
	}
}

func readTwins() map[string]twin {
	result := func(by string) history.Row {
		return history.Row{State: done, Generation: 1, Result: `{"by":"` + by + `"}`}
	}
	nothing := history.Row{Generation: 0}
	two := func(s *tale, second history.Row) {
		s.asked()
		s.ran(ann, "r")
		s.kept(ann, "r", 1, 0)
		s.reading("reader0-1")
		s.read("reader0-1", result("r"))
		s.reading("reader1-1")
		s.read("reader1-1", second)
	}
	return map[string]twin{
		"it goes back":               pair(two, nothing, result("r")),
		"another result":             pair(two, result("other"), result("r")),
		"before any run returned it": pair(readEarly, true, false),
		"not what was stored before": pair(func(s *tale, late bool) {
			s.asked()
			s.ran(ann, "r")
			if !late {
				s.reading("reader0-1")
			}
			s.kept(ann, "r", 1, 0)
			if late {
				s.reading("reader0-1")
			}
			s.read("reader0-1", nothing)
		}, true, false),
	}
}

func readEarly(s *tale, early bool) {
	row := history.Row{State: done, Generation: 1, Result: `{"by":"r"}`}
	s.asked()
	s.began(ann, 1, 1)
	s.reading("reader0-1")
	if early {
		s.read("reader0-1", row)
	}
	s.ended(ann, "ok: r")
	s.kept(ann, "r", 1, 0)
	if !early {
		s.read("reader0-1", row)
	}
}
