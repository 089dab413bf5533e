package check_test

import (
	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

func suspectTwins() map[string]twin {
	// suspects are two tasks, one started twice and the other so often, that run at
	// once or one after another.
	suspects := func(s *tale, second string, starts, most int, after bool, prepare func()) {
		for n, actor := range []string{ann, second} {
			s.about(n+1, func(t *check.Task) { t.MaxAttempts = most })
			s.asked()
			for i := range []int{2, starts}[n] {
				s.wrote(actor, history.Row{Generation: 1, Starts: i + 1})
			}
		}
		prepare()
		s.on(1)
		s.began(ann, 1, 1)
		if after {
			s.ended(ann, "ok: r")
		}
		s.on(2)
		s.began(second, 1, 1)
		s.ended(second, "ok: r")
		s.kept(second, "r", 1, 0)
		s.on(1)
		if !after {
			s.ended(ann, "ok: r")
		}
		s.kept(ann, "r", 1, 0)
	}
	plain := func() {}
	return map[string]twin{
		"at once":             pair(func(s *tale, after bool) { suspects(s, ann, 2, 3, after, plain) }, false, true),
		"in one process":      pair(func(s *tale, second string) { suspects(s, second, 2, 3, false, plain) }, ann, ben),
		"started before":      pair(func(s *tale, starts int) { suspects(s, ann, starts, 3, false, plain) }, 2, 1),
		"in its last attempt": pair(func(s *tale, most int) { suspects(s, ann, 1, most, false, plain) }, 1, 2),
		"its mark is still here": pair(func(s *tale, starts int) {
			suspects(s, ann, 2, 3, false, func() { s.wrote(ann, history.Row{Generation: 1, Starts: starts}) })
		}, 2, 1),
		"its mark is its own": pair(func(s *tale, writer string) {
			suspects(s, ann, 2, 3, false, func() { s.wrote(writer, history.Row{Generation: 1, Starts: 2, Reason: "x"}) })
		}, ann, ben),
		"its start is written, not how it ended": pair(func(s *tale, again bool) {
			suspects(s, ann, 2, 3, false, func() {
				s.began(ann, 1, 1)
				s.ended(ann, "failed: no")
				if again {
					s.wrote(ann, history.Row{Generation: 1, Starts: 2, Attempts: 1})
				}
				s.wrote(ann, history.Row{Generation: 1, Starts: 3, Attempts: 1})
			})
		}, true, false),
		"it hears that it is to end": pair(func(s *tale, end string) {
			suspects(s, ann, 2, 3, false, func() { s.about(2, func(t *check.Task) { t.End = end }) })
		}, "", "deaf"),
	}
}

func countTwins() map[string]twin {
	twins := map[string]twin{
		"of a run that was well": pair(countRun, "ok: r", "failed: no"),
		"of a run that was well before": pair(func(s *tale, before bool) {
			s.asked()
			s.began(ann, 1, 1)
			s.began(ben, 2, 1)
			if before {
				s.ended(ann, "ok: r")
			}
			s.ended(ben, "ok: r")
			s.wrote(ben, history.Row{Generation: 1, Attempts: 1})
			if !before {
				s.ended(ann, "ok: r")
			}
			s.kept(ben, "r", 1, 0)
		}, true, false),
		"of a run that is over": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.End = end })
			countRun(s, "ok: r")
		}, "", "deaf"),
		"of another generation": pair(func(s *tale, attempts int) {
			s.asked()
			s.failed(3)
			s.died("failed", 3)
			s.sent(2)
			s.began(ann, 1, 2)
			s.ended(ann, "failed: no")
			s.wrote(ann, history.Row{Generation: 2, Attempts: attempts})
		}, 2, 1),
		"given back with its mark":     pair(func(s *tale, starts int) { giveBack(s, ann, 1, starts) }, 1, 0),
		"given back by who has marked": pair(func(s *tale, actor string) { giveBack(s, actor, 1, 1) }, ann, ben),
		"given back by its message":    pair(func(s *tale, copies int) { giveBack(s, ann, copies, 1) }, 1, 2),
	}
	for _, why := range []string{"snoozed for 1s", "goflow: worker is stopping", "goflow: lease lost", "goflow: task was cancelled"} {
		twins[why] = pair(countRun, "failed: "+why, "failed: no")
	}
	return twins
}

// countRun counts the first of two runs, which ended so, as an attempt that failed.
func countRun(s *tale, text string) {
	s.asked()
	s.began(ann, 1, 1)
	s.ended(ann, text)
	s.wrote(ann, history.Row{Generation: 1, Attempts: 1, GiveBacks: 1})
	s.began(ann, 2, 1)
	s.ended(ann, "ok: r")
	s.kept(ann, "r", 1, 0)
}

// giveBack is a start that ann has marked, after which somebody gives the task back.
func giveBack(s *tale, actor string, copies, starts int) {
	s.asked()
	for range copies - 1 {
		s.sent(1)
	}
	s.wrote(ann, history.Row{Generation: 1, Starts: 1})
	s.began(ann, 1, 1)
	s.ended(ann, "failed: snoozed for 1s")
	s.wrote(actor, history.Row{Generation: 1, GiveBacks: 1, Starts: starts})
	s.ran(ann, "r")
	s.kept(ann, "r", 1, 0)
}

func besideTwins() map[string]twin {
	beside := func(s *tale, first, second string) {
		s.asked()
		s.began(first, 1, 1)
		s.began(second, 2, 1)
		s.of(first, history.Ended, turn{1, 1}, "ok: r")
		s.of(second, history.Ended, turn{2, 1}, "ok: r")
		s.kept(second, "r", 1, 0)
	}
	return map[string]twin{
		"in one process": pair(func(s *tale, second string) { beside(s, ann, second) }, ann, ben),
		"in a process that did not stand still": pair(func(s *tale, paused string) {
			s.add(history.Event{Actor: paused, Kind: history.Paused, Text: "1s"})
			beside(s, ann, ann)
		}, ben, ann),
		"left behind": pair(func(s *tale, end string) {
			s.about(1, func(t *check.Task) { t.End = end })
			beside(s, ann, ann)
		}, "", "deaf"),
		"before it has ended": pair(func(s *tale, first bool) {
			s.asked()
			s.began(ann, 1, 1)
			if first {
				s.ended(ann, "failed: no")
			}
			s.began(ann, 2, 1)
			s.ended(ann, "ok: r")
			if !first {
				s.of(ann, history.Ended, turn{1, 1}, "failed: no")
			}
			s.kept(ann, "r", 1, 0)
		}, false, true),
	}
}
