package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

// maxShown is how many tasks of a sort are named.
const maxShown = 10

// reportChaos writes the table and the last line. nil: all is as expected.
func (s *storm) reportChaos(f found, entries []chaos.Entry) error {
	wrong := s.wrong(f, entries)
	missing, strange := s.compareDead(f)
	verdict := chaos.Judge(s.judgement(f, entries))
	s.writeChaos(wrong)
	s.say("dead letters: %d tasks, %d missing, %d not expected; messages left in the queue: %d", len(f.dead), missing, strange, f.left)
	s.say("effects that were repeated, as they may be: %d of killed processes, %d of stopped ones, %d of lost leases",
		verdict.Killed, verdict.Stopped, verdict.Other)
	s.show("wrong", wrong)
	s.show("twice", verdict.Twice)
	pushed, succeeded, failed := s.totals(f)
	lost := len(wrong) + f.left
	_, err := fmt.Fprintf(s.out, "demo: pushed=%d succeeded=%d failed=%d lost=%d once_twice=%d\n",
		pushed, succeeded, failed, lost, len(verdict.Twice))
	if err == nil && (lost > 0 || missing > 0 || strange > 0 || len(verdict.Twice) > 0) {
		err = errNotAsExpected
	}
	return err
}

// show names a few tasks.
func (s *storm) show(what string, why map[string]string) {
	for _, id := range slices.Sorted(maps.Keys(why))[:min(len(why), maxShown)] {
		s.say("%s: task %s: %s", what, id, why[id])
	}
}

// wrong says of each task that is not as expected what is wrong with it, by its
// ID or, where it has none, its place.
func (s *storm) wrong(f found, entries []chaos.Entry) map[string]string {
	wrong, runs := map[string]string{}, witnessed(entries)
	for i, e := range s.errands {
		switch fault := e.fault(f.records[e.id], runs[e.id]); {
		case e.id == "":
			wrong["number "+strconv.Itoa(i)] = e.kind + ": not pushed"
		case fault != "":
			wrong[e.id] = e.kind + ": " + fault
		}
	}
	return wrong
}

// witness is what a task's runs wrote down.
type witness struct {
	first   time.Time       // when the first began
	effects map[string]bool // the runs that had one
}

func witnessed(entries []chaos.Entry) map[string]*witness {
	all := map[string]*witness{}
	for _, e := range entries {
		w := all[e.Task]
		if w == nil {
			w = &witness{effects: map[string]bool{}}
			all[e.Task] = w
		}
		switch e.What {
		case chaos.Effect:
			w.effects[e.Run] = true
		case chaos.Began:
			if w.first.IsZero() || e.At.Before(w.first) {
				w.first = e.At
			}
		}
	}
	return all
}

// fault says what is wrong with a task that was pushed; "": nothing.
func (e *errand) fault(rec goflow.Record, runs *witness) string {
	if runs == nil {
		runs = &witness{}
	}
	due := pushedAt(e.id).Add(e.how.Delay)
	switch ran := !runs.first.IsZero(); {
	case rec.State != e.state:
		return fmt.Sprintf("%s, not %s: %s", rec.State, e.state, rec.Error)
	case rec.State == task.Done && !e.resultHolds(rec, runs.effects):
		return fmt.Sprintf("result %s", rec.Result)
	case ran && runs.first.Before(due):
		return fmt.Sprintf("ran %v too early", due.Sub(runs.first))
	case ran && !e.cancelled.IsZero() && e.cancelled.Before(due):
		return fmt.Sprintf("cancelled %v before it was due, and ran", due.Sub(e.cancelled))
	}
	return ""
}

// resultHolds tells whether the result is the expected one. That of the demo's
// own jobs names the run it is of, which has to have had its effect.
func (e *errand) resultHolds(rec goflow.Record, effects map[string]bool) bool {
	switch {
	case e.holds != nil:
		return e.holds(rec.Result)
	case strings.HasPrefix(e.taskType, "chaos."):
		var report chaos.Report
		return json.Unmarshal(rec.Result, &report) == nil && effects[report.Run]
	}
	return sameJSON(rec.Result, e.result)
}

// pushedAt is when a client made the ID, a UUID of version 7, which was right
// before it pushed the task.
func pushedAt(id string) time.Time {
	digits := strings.ReplaceAll(id, "-", "")
	ms, err := strconv.ParseInt(digits[:min(len(digits), 12)], 16, 64)
	if err != nil {
		return time.Time{} // it was not pushed
	}
	return time.UnixMilli(ms)
}

// judgement is what there is to judge.
func (s *storm) judgement(f found, entries []chaos.Entry) chaos.Case {
	c := chaos.Case{Entries: entries, Lives: s.fleet.lives, Once: map[string]bool{}, Seen: map[string]time.Time{}}
	for _, e := range s.errands {
		if e.taskType != chaos.OnceType {
			continue
		}
		c.Once[e.id] = true
		if f.records[e.id].State == task.Done && !e.seen.IsZero() {
			c.Seen[e.id] = e.seen
		}
	}
	return c
}

// writeChaos writes a line for the tasks of each kind that have to end alike.
func (s *storm) writeChaos(wrong map[string]string) {
	type row struct {
		kind  string
		state task.State
	}
	tallies := map[row]*tally{}
	for _, e := range s.errands {
		r := row{e.kind, e.state}
		if tallies[r] == nil {
			tallies[r] = &tally{}
		}
		tallies[r].expected++
		if _, bad := wrong[e.id]; bad || e.id == "" {
			tallies[r].wrong++
		}
	}
	rows := slices.SortedFunc(maps.Keys(tallies), func(a, b row) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), cmp.Compare(a.state, b.state))
	})
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) {
		_, _ = fmt.Fprintf(w, format+"\n", args...) // nowhere else to report it
	}
	line("\nKIND\tOUTCOME\tEXPECTED\tGOT\t")
	for _, r := range rows {
		t, verdict := tallies[r], "ok"
		if t.wrong > 0 {
			verdict = "DIFFERENT"
		}
		line("%s\t%s\t%d\t%d\t%s", r.kind, r.state, t.expected, t.expected-t.wrong, verdict)
	}
	line("")
	_ = w.Flush() // nowhere else to report it
}
