package check_test

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

func keyTwins() map[string]twin {
	keyed := func(s *tale, keys ...string) {
		for i, key := range keys {
			s.about(i+1, func(t *check.Task) { t.Key = key })
		}
	}
	end := func(s *tale, n int) {
		s.on(n)
		s.ran(ann, "r")
		s.kept(ann, "r", 1, 0)
	}
	return map[string]twin{
		"two with one key": pair(func(s *tale, second string) {
			keyed(s, "k", second)
			for n := range 2 {
				s.on(n + 1)
				s.asked()
			}
			end(s, 1)
			end(s, 2)
		}, "k", "other"),
		"before the first is over": pair(func(s *tale, over bool) {
			keyed(s, "k", "k")
			s.on(1)
			s.asked()
			if over {
				end(s, 1)
			}
			s.on(2)
			s.asked()
			end(s, 2)
			if !over {
				end(s, 1)
			}
		}, false, true),
		"refused for its own key": pair(func(s *tale, owner string) {
			keyed(s, "k", "k")
			s.on(2)
			s.asked()
			s.on(1)
			s.pushing()
			s.held(owner)
			end(s, 2)
		}, "task-1", "task-2"),
		"refused for the key of one that was over": pair(func(s *tale, over bool) {
			refused(s, keyed, over, (*tale).went)
		}, true, false),
		"its message is still there": pair(func(s *tale, deleted bool) {
			refused(s, keyed, true, func(s *tale) {
				s.asked()
				end(s, 2)
				if deleted {
					s.deleted(1)
				}
			})
		}, true, false),
		"it may have taken the key again": pair(func(s *tale, pushes int) {
			refused(s, keyed, true, func(s *tale) {
				s.went()
				for range pushes - 1 {
					s.pushing()
				}
			})
		}, 1, 2),
	}
}

// refused is a push for the key of another, which began when that was over, or before.
func refused(s *tale, keyed func(*tale, ...string), over bool, owner func(*tale)) {
	keyed(s, "k", "k")
	if !over {
		s.on(1)
		s.pushing()
	}
	s.on(2)
	pushing := len(s.events)
	owner(s)
	if over {
		s.on(1)
		s.pushing()
	} else { // another actor's
		for i := range s.events[pushing:] {
			if e := &s.events[pushing+i]; e.Actor == "client-1.1" {
				e.Actor = "client-2.1"
			}
		}
	}
	s.on(1)
	s.held("task-2")
}

func callTwins() map[string]twin {
	return map[string]twin{"a call that AWS refuses": pair(func(s *tale, kind history.Kind) {
		s.went()
		s.add(history.Event{Actor: ann, Kind: kind, Text: "26 statements"})
	}, history.Wrong, history.Fault)}
}

func deleteTwins() map[string]twin {
	deletes := func(actor string) func(*tale) {
		return func(s *tale) { s.of(actor, history.Deleting, turn{}, "") }
	}
	later := func(d time.Duration, then func(*tale)) func(*tale) {
		return func(s *tale) {
			s.now += d
			then(s)
		}
	}
	undeleted := func(s *tale) { s.of(ann, history.Undeleted, turn{}, "") }
	killed := func(actor string) func(*tale) {
		return func(s *tale) { s.add(history.Event{Actor: actor, Kind: history.Killed}) }
	}
	fault := func(text string) func(*tale) {
		return func(s *tale) { s.add(history.Event{Actor: ann, Kind: history.Fault, Text: text}) }
	}
	nothing := func(*tale) {}
	failed := func(breaks, keeps func(*tale)) twin { // what follows when a delete has failed
		return pair(func(s *tale, then func(*tale)) {
			s.asked()
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
			deletes(ann)(s)
			undeleted(s)
			then(s)
		}, breaks, keeps)
	}
	return map[string]twin{
		"never again":          failed(nothing, deletes(ann)),
		"by another":           failed(deletes(ben), deletes(ann)),
		"too late":             failed(later(15*time.Second, deletes(ann)), later(14*time.Second, deletes(ann))),
		"another process died": failed(killed(ben), killed(ann)),
		"another call failed":  failed(fault("throttled: failed SendMessageBatch"), fault("throttled: failed DeleteMessageBatch")),
		"heard late": pair(func(s *tale, took string) {
			s.asked()
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
			fault("slow: " + took + " DeleteMessageBatch")(s)
			deletes(ann)(s)
			undeleted(s)
		}, "1s", "5s"),
		"the message never went":  failed(nothing, func(s *tale) { s.deleted(1) }),
		"the first, not a second": failed(nothing, func(s *tale) { deletes(ann)(s); undeleted(s) }),
		"heard in time": pair(func(s *tale, after time.Duration) {
			s.asked()
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
			deletes(ann)(s)
			later(after, undeleted)(s)
		}, 3*time.Second, 4*time.Second),
	}
}

func recordTwins() map[string]twin {
	const day = 24 * time.Hour
	task := func(s *tale, lasts time.Duration) {
		s.asked()
		s.ran(ann, "r")
		s.wroteFor(ann, history.Row{State: done, Generation: 1, Result: `{"by":"r"}`}, 0, lasts)
	}
	key := func(s *tale, lasts time.Duration) {
		s.add(history.Event{Actor: ann, Kind: history.Wrote, Task: "key", After: &history.Row{Generation: 1, Epoch: 1}, Expires: lasts})
	}
	return map[string]twin{
		"never":                   pair(task, 0, goflow.DefaultRecordTTL),
		"a day too early":         pair(task, 7*day, goflow.DefaultRecordTTL-8*time.Minute),
		"in thousands of days":    pair(task, 1000*goflow.DefaultRecordTTL, goflow.DefaultRecordTTL+time.Hour),
		"a key never":             pair(key, 0, time.Hour),
		"a key that is no more":   pair(key, -time.Second, time.Hour),
		"a key in a hundred days": pair(key, 100*day, time.Hour),
	}
}

func clockTwins() map[string]twin {
	claim := func(s *tale, lasts time.Duration) {
		s.asked()
		s.wroteFor(ann, history.Row{Generation: 1, Epoch: 1}, lasts, goflow.DefaultRecordTTL)
		s.ran(ann, "r")
		s.kept(ann, "r", 1, 1)
	}
	expires := func(s *tale, receives int, after time.Duration) {
		s.about(1, func(t *check.Task) { t.Expires, t.TTL = true, 10*time.Second })
		s.asked()
		for range receives {
			s.received()
		}
		s.now = 2*time.Second + after - time.Second // it was sent in the second one
		s.wrote(ann, history.Row{State: expired, Generation: 1})
		s.on(2)
		claim(s, 10*time.Second) // which is looked at
	}
	return map[string]twin{
		"a claim for longer than a lease": pair(claim, 13*time.Second, 12*time.Second),
		"a claim that is long over":       pair(claim, -4*time.Minute, -2*time.Minute),
		"a claim of a later epoch": pair(func(s *tale, lasts time.Duration) {
			s.asked()
			s.wroteFor(ann, history.Row{Generation: 1, Epoch: 1}, 10*time.Second, goflow.DefaultRecordTTL)
			s.wroteFor(ben, history.Row{Generation: 1, Epoch: 2}, lasts, goflow.DefaultRecordTTL)
			s.ran(ben, "r")
			s.kept(ben, "r", 1, 2)
		}, time.Hour, 10*time.Second),
		"a task expires before its time":     pair(func(s *tale, after time.Duration) { expires(s, 1, after) }, 9*time.Second, 10*time.Second),
		"and was not delivered twice before": pair(func(s *tale, receives int) { expires(s, receives, 9*time.Second) }, 1, 2),
	}
}
