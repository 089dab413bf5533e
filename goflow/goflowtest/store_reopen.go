package goflowtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func reopenCases() []storeCase {
	return []storeCase{
		{"ReopenedTaskCanEndAgain", true, reopened},
		{"ReopenTwiceIsOnce", true, reopenTwice},
		{"ReopenLeavesOtherRecordsAlone", true, reopenOthers},
		{"ReopenedTaskCanBeClaimed", true, reopenClaim},
		{"ReopenOfWhatIsOverChangesNothing", true, reopenExpired},
	}
}

func (t *storeTest) reopen(recs ...port.Record) {
	t.Helper()
	require.NoError(t, t.store.Reopen(t.Context(), recs))
}

// dead returns the record of a task that failed after some attempts.
func dead(id string, generation int) port.Record {
	r := ended(id, task.Dead)
	r.Generation, r.Attempts, r.GiveBacks, r.Starts = generation, 5, 6, 1
	r.Reason = "one of a few"
	return r
}

// isReopened asserts that a record is open in the given generation, without
// what the one before left.
func (t *storeTest) isReopened(id string, generation int) {
	t.Helper()
	got := t.load(id)
	require.Equal(t, task.Open, got.State)
	require.Equal(t, generation, got.Generation)
	require.Zero(t, got.Attempts, "attempts")
	require.Zero(t, got.GiveBacks, "give-backs")
	require.Zero(t, got.Starts, "starts")
	require.Empty(t, got.Error+got.Reason, "why it was dead")
	require.True(t, got.LeaseEnd.IsZero(), "it has no claim")
	require.False(t, got.Expires.IsZero(), "it expires some time")
}

func reopened(t *storeTest) {
	rec := dead(newID(), 1)
	t.save(rec)
	t.reopen(rec)
	t.isReopened(rec.ID, 2)
	require.ErrorIs(t, t.saveErr(done(rec.ID, `"of generation 1"`)), port.ErrFinished)
	end := done(rec.ID, `"of generation 2"`)
	end.Generation = 2
	t.save(end)
	t.has(end)
}

func reopenTwice(t *storeTest) {
	rec := dead(newID(), 1)
	t.save(rec)
	t.reopen(rec)
	t.reopen(rec)
	t.isReopened(rec.ID, 2)
	again := dead(rec.ID, 2)
	t.save(again)
	t.reopen(rec)
	t.has(again)
	t.reopen(again, again, rec)
	t.isReopened(rec.ID, 3)
}

func reopenOthers(t *storeTest) {
	var recs, asked []port.Record
	for _, state := range append(terminals(), task.Open) {
		rec := ended(newID(), state)
		rec.Generation = 2
		recs = append(recs, rec)
	}
	t.save(recs...)
	for _, rec := range recs {
		for _, generation := range []int{1, 2, 3} {
			if rec.State == task.Dead && generation == 2 {
				continue // the one that would be reopened
			}
			rec.Generation = generation
			asked = append(asked, rec)
		}
	}
	absent := dead(newID(), 1)
	t.reopen(append(asked, absent)...)
	for _, want := range recs {
		t.has(want)
	}
	require.Equal(t, task.Unknown, t.load(absent.ID).State)
}

func reopenClaim(t *storeTest) {
	rec := dead(newID(), 1)
	first := t.claimed(take(rec.ID, "generation 1"))
	rec.Epoch = first.Epoch
	t.save(rec)
	t.reopen(rec)
	_, err := t.claim(renew(first))
	require.ErrorIs(t, err, port.ErrFinished, "the claim of the generation before")
	c := take(rec.ID, "generation 2")
	c.Generation = 2
	second := t.claimed(c)
	require.Equal(t, 2, second.Generation)
	end := done(rec.ID, `"done"`)
	end.Generation, end.Epoch = 2, second.Epoch
	t.save(end)
	t.has(end)
}

func reopenExpired(t *storeTest) {
	rec := dead(newID(), 1)
	rec.Expires = time.Now().Add(-time.Minute).Truncate(time.Second)
	t.save(rec)
	t.reopen(rec)
	require.Equal(t, port.Record{ID: rec.ID}, t.load(rec.ID))
}
