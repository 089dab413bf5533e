package check_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// TestRareSituations: each is seen in the history in which it occurs, and beside it
// only what cannot be without it. None is seen where all went well.
func TestRareSituations(t *testing.T) {
	t.Parallel()
	for name, n := range told((*tale).went).Rare() {
		require.Zero(t, n, "%s, where all went well", name)
	}
	tales := rareTales()
	require.Len(t, tales, len(check.Situations()), "a situation has no test, or there is none")
	for _, name := range check.Situations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rare, ok := tales[name]
			require.True(t, ok, "there is no tale of it")
			want := map[string]int{name: 1}
			for _, other := range rare.with {
				want[other]++
			}
			got := map[string]int{}
			for occurred, n := range told(rare.tell).Rare() {
				if n > 0 {
					got[occurred] = n
				}
			}
			require.Equal(t, want, got)
		})
	}
}

type rareTale struct {
	tell func(*tale)
	with []string // what else occurs
}

func rareTales() map[string]rareTale {
	all := map[string]rareTale{}
	for _, some := range []map[string]rareTale{eventTales(), rowTales(), runTales(), pushTales(), endTales(), deliveryTales()} {
		maps.Copy(all, some)
	}
	return all
}

// eventTales are told by one event.
func eventTales() map[string]rareTale {
	received := func(text string) rareTale {
		return rareTale{tell: func(s *tale) { s.of(check.QueueName, history.Received, turn{2, 0}, text) }}
	}
	stopped := func(text string) rareTale {
		return rareTale{tell: func(s *tale) { s.add(history.Event{Actor: ann, Kind: history.Stopped, Text: text}) }}
	}
	ended := func(text string) rareTale {
		return rareTale{tell: func(s *tale) {
			s.began(ann, 1, 1)
			s.ended(ann, "failed: "+text)
		}}
	}
	return map[string]rareTale{
		"a leased message was delivered again":          received("duplicate"),
		"a deleted message was delivered again":         received("ghost"),
		"a process stood still":                         {tell: func(s *tale) { s.add(history.Event{Actor: ann, Kind: history.Paused, Text: "1s"}) }},
		"a worker stopped and abandoned tasks":          stopped("abandoned 2"),
		"a worker ended as all its handlers were stuck": stopped("stuck"),
		"a worker could not start":                      stopped("did not start"),
		"a handler's lease was lost":                    ended("goflow: lease lost"),
		"a handler's time was over":                     ended("goflow: timed out after 15s"),
		"a handler was ended as its worker stopped":     ended("goflow: worker is stopping"),
		"a handler was ended by a cancel":               ended("goflow: task was cancelled"),
		"a handler put its task off":                    ended("snoozed for 1s"),
	}
}

// rowTales are told by how a row changes.
func rowTales() map[string]rareTale {
	rows := func(rows ...history.Row) func(*tale) {
		return func(s *tale) {
			for i := range rows {
				rows[i].Generation = 1
				s.wrote([]string{ann, ben}[i%2], rows[i])
			}
		}
	}
	const taken = "a task was claimed"
	return map[string]rareTale{
		taken:                             {tell: rows(history.Row{Epoch: 1})},
		"a claim went to another process": {tell: rows(history.Row{Epoch: 1}, history.Row{Epoch: 2}), with: []string{taken}},
		"a claim was renewed":             {tell: rows(history.Row{Epoch: 1}, history.Row{Epoch: 1}), with: []string{taken}},
		"a start was marked":              {tell: rows(history.Row{}, history.Row{Starts: 1})},
		"a mark was taken back":           {tell: rows(history.Row{Starts: 1}, history.Row{Attempts: 1, GiveBacks: 1})},
	}
}

func runTales() map[string]rareTale {
	return map[string]rareTale{
		"a process died in a handler": {tell: func(s *tale) {
			s.began(ann, 1, 1)
			s.add(history.Event{Actor: ann, Kind: history.Killed})
		}},
		"a task ran twice at a time": {tell: func(s *tale) {
			s.began(ann, 1, 1)
			s.began(ben, 1, 1)
			s.ended(ann, "failed: no")
			s.ended(ben, "failed: no")
		}},
		"two runs succeeded and the first result stayed": {tell: func(s *tale) {
			s.ran(ann, "r")
			s.ran(ben, "r")
		}},
	}
}

func pushTales() map[string]rareTale {
	pushes := func(hows ...string) func(*tale) {
		return func(s *tale) {
			for _, how := range hows {
				s.pushing()
				s.pushed(how)
			}
		}
	}
	const unsent = "an ambiguous push had not been carried out"
	return map[string]rareTale{
		unsent: {tell: pushes("ambiguous")},
		"an ambiguous push had been carried out": {tell: func(s *tale) {
			s.sent(1)
			s.pushed("ambiguous")
		}},
		"a push that failed was made certain under its ID": {tell: pushes("ambiguous", "ok"), with: []string{unsent}},
		"a push was refused as another task held its key": {tell: func(s *tale) {
			s.about(1, func(t *check.Task) { t.Key = "x" })
			s.pushed("refused")
		}},
		"a long delay was hopped over": {tell: func(s *tale) {
			s.about(1, func(t *check.Task) { t.Delay = time.Hour })
			s.asked()
			s.sent(1)
		}},
	}
}

// endTales are told by how a task ended.
func endTales() map[string]rareTale {
	ends := func(row history.Row, change func(*check.Task)) rareTale {
		return rareTale{tell: func(s *tale) {
			s.about(1, change)
			s.asked()
			s.wrote(ann, row)
		}}
	}
	died := func(reason string, kills bool) rareTale {
		return ends(history.Row{State: dead, Generation: 1, Reason: reason}, func(t *check.Task) { t.Kills = kills })
	}
	plain := func(*check.Task) {}
	return map[string]rareTale{
		"a redriven task succeeded":                ends(history.Row{State: done, Generation: 2}, plain),
		"a redriven task died again":               ends(history.Row{State: dead, Generation: 2, Reason: "failed"}, plain),
		"a task expired":                           ends(history.Row{State: expired, Generation: 1}, plain),
		"a task was cancelled before it ran":       ends(history.Row{State: cancelled, Generation: 1}, plain),
		"a task that kills its process died of it": died("crashed", true),
		"a task failed in its last attempt":        died("failed", false),
		"a task of unknown type died":              died("unknown type", false),
		"a message that nobody can read died":      died("malformed", false),
		"a result was refused":                     died("result refused", false),
	}
}

// deliveryTales are told by what comes after an outcome.
func deliveryTales() map[string]rareTale {
	const again = "a process died between the outcome and the delete"
	over := func(s *tale) {
		s.asked()
		s.ran(ann, "r")
		s.kept(ann, "r", 1, 0)
		s.received()
	}
	return map[string]rareTale{
		"a whole history without faults": {tell: func(s *tale) { s.facts.Faults = 0 }},
		again:                            {tell: over},
		"a finished task was delivered again and not run": {tell: func(s *tale) {
			over(s)
			s.deleted(1)
		}, with: []string{again}},
		"a dead task was delivered again and its letter sent then": {tell: func(s *tale) {
			s.asked()
			s.wrote(ann, history.Row{State: dead, Generation: 1, Reason: "permanent"})
			s.received()
			s.letter(1)
		}, with: []string{again}},
		"a group waited for a task that had to come again": {tell: func(s *tale) {
			s.about(1, func(t *check.Task) { t.Group = "a" })
			s.asked()
			s.wrote(ann, history.Row{Generation: 1, Attempts: 1})
		}},
	}
}
