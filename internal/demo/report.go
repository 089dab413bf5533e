package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// row is a line of the table: tasks of a kind that ended alike.
type row struct {
	kind  string
	state task.State
	runs  int
}

// tally is how many tasks a row has.
type tally struct{ expected, got, wrong int }

// report writes the table and the last line. nil: all is as expected.
func (d *demo) report(f found) error {
	rows, lost := d.count(f)
	missing, strange := d.compareDead(f)
	d.writeTable(rows)
	well := lost == 0 && missing == 0 && strange == 0 && rows.well()
	d.say("dead letters: %d tasks, %d missing, %d not expected; messages left in the queue: %d", len(f.dead), missing, strange, f.left)
	pushed, succeeded, failed := d.totals(f)
	_, err := fmt.Fprintf(d.out, "demo: pushed=%d succeeded=%d failed=%d lost=%d\n", pushed, succeeded, failed, lost)
	if err == nil && !well {
		err = errNotAsExpected
	}
	return err
}

func (d *demo) totals(f found) (pushed, succeeded, failed int) {
	for _, e := range d.tasks {
		if e.id != "" {
			pushed++
		}
		switch rec := f.records[e.id]; {
		case rec.State == task.Done:
			succeeded++
		case rec.State.Terminal():
			failed++
		}
	}
	return pushed, succeeded, failed
}

// table keeps its rows in the order in which they came up.
type table struct {
	order   []row
	tallies map[row]*tally
}

func (t *table) at(r row) *tally {
	if t.tallies[r] == nil {
		t.tallies[r] = &tally{}
		t.order = append(t.order, r)
	}
	return t.tallies[r]
}

// well tells whether as many tasks ended in each way as expected.
func (t *table) well() bool {
	for _, tally := range t.tallies {
		if tally.got != tally.expected || tally.wrong > 0 {
			return false
		}
	}
	return true
}

// count sorts the tasks into rows. Lost are those without an outcome or with
// a wrong one, and what is left in the queue.
func (d *demo) count(f found) (rows *table, lost int) {
	rows = &table{tallies: map[row]*tally{}}
	for _, e := range d.tasks {
		rows.at(row{e.kind, e.state, e.runs}).expected++
	}
	lost = f.left
	for _, e := range d.tasks {
		rec := f.records[e.id]
		actual := rows.at(row{e.kind, rec.State, runsOf(rec)})
		actual.got++
		if !e.met(rec, runsOf(rec)) {
			actual.wrong++
			lost++
		}
	}
	return rows, lost
}

// compareDead compares the dead letters with the tasks that had to die.
func (d *demo) compareDead(f found) (missing, strange int) {
	expected := map[string]bool{}
	for _, e := range d.tasks {
		if e.state == task.Dead {
			expected[e.id] = true
			if !f.dead[e.id] {
				missing++
			}
		}
	}
	for id := range f.dead {
		if !expected[id] {
			strange++
		}
	}
	return missing, strange
}

func (d *demo) writeTable(rows *table) {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) {
		_, _ = fmt.Fprintf(w, format+"\n", args...) // nowhere else to report it
	}
	line("\nKIND\tOUTCOME\tATTEMPTS\tEXPECTED\tGOT\t")
	slices.SortStableFunc(rows.order, func(a, b row) int { return strings.Compare(a.kind, b.kind) })
	for _, r := range rows.order {
		t := rows.tallies[r]
		verdict := "ok"
		if t.got != t.expected || t.wrong > 0 {
			verdict = "DIFFERENT"
		}
		line("%s\t%s\t%d\t%d\t%d\t%s", r.kind, r.state, r.runs, t.expected, t.got, verdict)
	}
	line("")
	_ = w.Flush() // nowhere else to report it
}
