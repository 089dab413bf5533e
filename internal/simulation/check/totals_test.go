package check_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/check"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// TestTotals counts what a queue was given and what came out of it.
func TestTotals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tell func(*tale)
		want check.Totals
	}{
		"ok":   {(*tale).went, check.Totals{Attempted: 1, Acknowledged: 1, OK: 1}},
		"lost": {func(s *tale) { s.asked() }, check.Totals{Attempted: 1, Acknowledged: 1, Lost: 1}},
		"not lost while it is in the queue": {func(s *tale) {
			s.asked()
			s.facts.Left = []string{s.id()}
		}, check.Totals{Attempted: 1, Acknowledged: 1}},
		"rejected": {func(s *tale) {
			s.pushing()
			s.pushed("rejected")
		}, check.Totals{Attempted: 1}},
		"recovered": {func(s *tale) {
			s.pushing()
			s.sent(1)
			s.pushed("ambiguous")
			s.ran(ann, "r")
			s.kept(ann, "r", 1, 0)
		}, check.Totals{Attempted: 1, Recovered: 1}},
		"unexpected": {func(s *tale) {
			delete(s.facts.Tasks, 1)
			s.kept(ann, "r", 1, 0)
		}, check.Totals{Unexpected: 1}},
		"duplicated": {func(s *tale) {
			s.went()
			s.ran(ben, "again")
		}, check.Totals{Attempted: 1, Acknowledged: 1, OK: 1, Duplicated: 1}},
		"dead letters are outcomes": {func(s *tale) {
			s.asked()
			s.letter(1)
		}, check.Totals{Attempted: 1, Acknowledged: 1, OK: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.tell).Totals())
		})
	}
	sum := check.Totals{Attempted: 1, Acknowledged: 2, OK: 3, Lost: 4, Unexpected: 5, Duplicated: 6, Recovered: 7}
	sum.Add(sum)
	require.Equal(t, check.Totals{Attempted: 2, Acknowledged: 4, OK: 6, Lost: 8, Unexpected: 10, Duplicated: 12, Recovered: 14}, sum)
}

// TestCounts: a task that was never sent is none, and each run counts.
func TestCounts(t *testing.T) {
	t.Parallel()
	h := told(func(s *tale) {
		s.went()
		s.ran(ben, "again")
		s.on(2)
		s.pushing()
		s.pushed("rejected")
	})
	require.Equal(t, 2, h.Runs())
	require.Equal(t, 1, h.Tasks())
}

// TestRunsAreCutOffWithTheirProcess: what was running in it has neither ended nor
// goes on beside what runs later.
func TestRunsAreCutOffWithTheirProcess(t *testing.T) {
	t.Parallel()
	rare := told(func(s *tale) {
		s.asked()
		s.began(ann, 1, 1)
		s.add(history.Event{Actor: ann, Kind: history.Killed})
		s.ran(ben, "r")
		s.kept(ben, "r", 1, 0)
	}).Rare()
	require.Equal(t, 1, rare["a process died in a handler"])
	require.Zero(t, rare["a task ran twice at a time"])
}
