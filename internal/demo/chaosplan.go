package main

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

// errand is a task of the chaos demo, and what is done to it besides.
type errand struct {
	*expectation
	// holds judges the result of a task that succeeds; nil: it is e.result.
	holds func(result json.RawMessage) bool
	// copies are how long after the push its message is pushed again by hand.
	copies []time.Duration
	// cancel is whether it is cancelled, and how long after the push.
	cancel      bool
	cancelAfter time.Duration

	cancelled time.Time // when that was confirmed; zero: it was not
	seen      time.Time // when its producer had its outcome
}

// lottery is the source of everything random.
type lottery struct{ *rand.Rand }

func newLottery(seed, stream uint64) lottery {
	return lottery{rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // a seed has to repeat it
}

func (l lottery) between(from, to time.Duration) time.Duration {
	return from + time.Duration(l.Int64N(int64(to-from)))
}

// chaosPlan returns n tasks in random order.
func chaosPlan(site string, l lottery, n int) (all []*errand) {
	for len(all) < n {
		some := chaosTasks(site, l)
		if len(all) > 0 {
			shorten(some, l)
		}
		all = append(all, some...)
	}
	l.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// shorten puts short tasks in the place of long ones: most of these are killed
// while they run, and of such a worker runs one at a time, so that the end of
// many thousand tasks would be waiting for them.
func shorten(some []*errand, l lottery) {
	for i, e := range some {
		if strings.HasSuffix(e.kind, "long") {
			some[i] = chaosErrand("once", chaos.OnceType, chaos.Args{For: l.between(0, 300*time.Millisecond)})
		}
	}
}

// chaosTasks returns 2,000 tasks.
func chaosTasks(site string, l lottery) (all []*errand) {
	for range 5 {
		for _, e := range plan(site) {
			all = append(all, sampleErrand(e))
		}
	}
	add := func(n int, make1 func(i int) *errand) {
		for i := range n {
			all = append(all, make1(i))
		}
	}
	const ms, s = time.Millisecond, time.Second
	add(100, func(i int) *errand { return copied(&errand{expectation: echoTask(i)}, l) })
	add(50, func(i int) *errand { return copied(&errand{expectation: hashTask(i)}, l) })
	add(390, func(int) *errand { return chaosErrand("once", chaos.OnceType, chaos.Args{For: l.between(0, 300*ms)}) })
	add(80, func(i int) *errand {
		return chaosErrand("once, fails", chaos.OnceType, chaos.Args{For: l.between(0, 300*ms), Fail: 1 + i%2})
	})
	add(40, func(int) *errand {
		return chaosErrand("once, long", chaos.OnceType, chaos.Args{For: l.between(2500*ms, 4*s)})
	})
	add(150, func(int) *errand {
		return copied(chaosErrand("once", chaos.OnceType, chaos.Args{For: l.between(100*ms, 1500*ms)}), l)
	})
	add(60, func(int) *errand {
		e := chaosErrand("delayed", chaos.PlainType, chaos.Args{})
		e.how.Delay = time.Duration(1+l.IntN(5)) * s
		return e
	})
	add(20, func(int) *errand {
		return chaosErrand("long", chaos.PlainType, chaos.Args{For: l.between(2500*ms, 4*s)})
	})
	add(50, func(int) *errand {
		e := chaosErrand("cancelled before it is due", chaos.CancellableType, chaos.Args{})
		e.how.Delay, e.cancel = 8*s, true
		return copied(e, l)
	})
	add(60, func(i int) *errand {
		name := []string{chaos.PlainType, chaos.OnceType}[i%2]
		e := chaosErrand("cancelled some time", name, chaos.Args{For: 1500 * ms})
		e.cancel, e.cancelAfter = true, l.between(0, 4*s)
		return e
	})
	return all
}

// sampleErrand is one of the small demo's tasks. Runs that are killed may count
// as attempts, so that a task that is to fail needs its own number of them.
func sampleErrand(e *expectation) *errand {
	made := &errand{expectation: e}
	if e.state == task.Dead && e.runs > 1 {
		e.how.Attempts = e.runs
	}
	if e.taskType == handlers.Flaky.Name() && e.state == task.Done {
		made.holds = func(result json.RawMessage) bool {
			var report handlers.FlakyReport
			return json.Unmarshal(result, &report) == nil && report.Attempt >= e.runs
		}
	}
	return made
}

// chaosErrand is a task of the demo's own jobs, which succeeds.
func chaosErrand(kind, taskType string, args chaos.Args) *errand {
	return &errand{expectation: doomed(kind, taskType, 1, args).returning(nil)}
}

// copied lets copies of the message follow it: one soon, so that it comes while
// the task runs, and one when the task has probably ended.
func copied(e *errand, l lottery) *errand {
	e.kind += ", copied"
	e.copies = []time.Duration{l.between(0, time.Second), l.between(10*time.Second, 20*time.Second)}
	return e
}
