package goflowtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func saveCases(f StoreFeatures) []storeCase {
	return []storeCase{
		{"FirstTerminalWins", true, firstTerminalWins},
		{"SuccessAfterTwoFailures", true, successAfterFailures},
		{"CancelBeforeFirstDelivery", true, cancelBeforeDelivery},
		{"RepeatedSaveChangesNothing", true, repeatedSave},
		{"EarlierProgressChangesNothing", true, earlierProgress},
		{"FailedAttemptIsNeverTakenBack", true, attemptsStand},
		{"NothingOpensAnEndedTask", true, nothingOpens},
		{"LaterGenerationStands", true, laterGenerationStands},
		{"LaterGenerationReplacesTheEarlier", true, laterGenerationReplaces},
		{"HashSurvives", true, hashSurvives},
		{"TwentyFiveAreSavedAtOnce", true, twentyFive},
		{"SameIDTwiceInABatchIsAppliedInOrder", true, sameIDTwice},
		{"SaveErrorsNameTheFailedItems", true, saveErrors},
		{"ConcurrentSaversHaveOneWinner", true, oneWinner},
		{"ExpiredRecordCountsAsAbsent", true, expiredIsAbsent},
		{"ForeignIDIsRefusedAlone", f.RefusesForeignIDs, foreignID},
	}
}

func firstTerminalWins(t *storeTest) {
	for _, first := range terminals() {
		want := ended(newID(), first)
		t.save(want)
		for _, second := range terminals() {
			other := ended(want.ID, second)
			other.Error += " too late"
			require.ErrorIs(t, t.saveErr(other), port.ErrFinished, "%v after %v", second, first)
		}
		t.has(want)
	}
	want := done(newID(), `"first"`)
	t.save(want)
	require.ErrorIs(t, t.saveErr(done(want.ID, `"second"`)), port.ErrFinished)
	t.has(want)
}

func successAfterFailures(t *storeTest) {
	id := newID()
	for n := 1; n <= 2; n++ {
		t.save(attempt(id, n))
		t.has(attempt(id, n))
	}
	want := done(id, `"third time lucky"`)
	want.Attempts, want.GiveBacks = 2, 2
	t.save(want)
	t.has(want)
}

func cancelBeforeDelivery(t *storeTest) {
	want := ended(newID(), task.Cancelled)
	t.save(want)
	require.ErrorIs(t, t.saveErr(done(want.ID, `"ran nevertheless"`)), port.ErrFinished)
	t.has(want)
}

// repeatedSave saves everything twice, as after a lost answer.
func repeatedSave(t *storeTest) {
	for _, state := range append(terminals(), task.Open) {
		want := ended(newID(), state)
		t.save(want)
		t.save(want)
		t.has(want)
	}
	want := attempt(newID(), 2)
	want.Starts = 1
	t.save(want)
	t.save(want)
	t.has(want)
}

// earlierProgress: with as many attempts, more give-backs is later whatever the starts
// are, then more starts.
func earlierProgress(t *storeTest) {
	const giveBacks, starts = 3, 2
	id := newID()
	want := progress(id, giveBacks, starts)
	t.save(want)
	for _, less := range []port.Record{
		progress(id, 0, 0), progress(id, giveBacks-1, starts), progress(id, giveBacks-1, starts+9),
		progress(id, giveBacks, starts-1), progress(id, giveBacks, 0), progress(id, giveBacks, starts),
	} {
		less.Error = "earlier, or the same"
		require.NoError(t, t.saveErr(less), "to save less, or as much, is no error")
		t.has(want)
	}
	for _, more := range []port.Record{
		progress(id, giveBacks, starts+1), progress(id, giveBacks+1, 0), progress(id, giveBacks+1, 1), progress(id, giveBacks+12, 0),
	} {
		t.save(more)
		t.has(more)
	}
}

func progress(id string, giveBacks, starts int) port.Record {
	r := open(id)
	r.GiveBacks, r.Starts, r.Attempts = giveBacks, starts, giveBacks/2
	r.Error = fmt.Sprintf("after %d give-backs and %d starts", giveBacks, starts)
	return r
}

// attemptsStand: of two runs side by side one fails, and the other, which knows nothing
// of that, is given back often, or marked. More attempts are later whatever the rest is.
func attemptsStand(t *storeTest) {
	want := attempt(newID(), 1)
	t.save(want)
	for _, less := range []port.Record{progress(want.ID, 0, 3), progress(want.ID, 1, 9)} {
		require.NoError(t, t.saveErr(less), "to save less is no error")
		t.has(want)
	}
	slower := open(want.ID)
	slower.GiveBacks, slower.Error = 9, "given back, and never failed"
	require.NoError(t, t.saveErr(slower), "to save less is no error")
	t.has(want)
	for n := 2; n <= 3; n++ {
		more := attempt(want.ID, n)
		more.GiveBacks = 0
		t.save(more)
		t.has(more)
	}
}

func nothingOpens(t *storeTest) {
	for _, state := range terminals() {
		want := ended(newID(), state)
		t.save(want)
		require.ErrorIs(t, t.saveErr(attempt(want.ID, 9)), port.ErrFinished, "open after %v", state)
		t.has(want)
	}
}

func laterGenerationStands(t *storeTest) {
	for _, state := range append(terminals(), task.Open) {
		want := ended(newID(), state)
		want.Generation = 2
		t.save(want)
		require.ErrorIs(t, t.saveErr(done(want.ID, `"late"`)), port.ErrFinished, "the end of 1 after %v of 2", state)
		require.ErrorIs(t, t.saveErr(attempt(want.ID, 9)), port.ErrFinished, "an attempt of 1 after %v of 2", state)
		t.has(want)
	}
}

func laterGenerationReplaces(t *storeTest) {
	for _, state := range []task.State{task.Open, task.Dead} {
		earlier := attempt(newID(), 5)
		earlier.State = state
		t.save(earlier)
		later := attempt(earlier.ID, 1)
		later.Generation = 2
		t.save(later)
		t.has(later)
	}
}

// hashSurvives: who made the task knows its hash, who runs it does not.
func hashSurvives(t *storeTest) {
	first := open(newID())
	first.Hash = []byte("\x00hash of the payload\xff")
	t.save(first)
	t.claimed(take(first.ID, "token"))
	require.Equal(t, first.Hash, t.load(first.ID).Hash, "after a claim")
	t.save(attempt(first.ID, 1))
	require.Equal(t, first.Hash, t.load(first.ID).Hash, "after a failed attempt")
	end := ended(first.ID, task.Dead)
	t.save(end)
	require.Equal(t, first.Hash, t.load(first.ID).Hash, "after the outcome")
	require.NoError(t, t.store.Reopen(t.Context(), []port.Record{end}))
	require.Equal(t, first.Hash, t.load(first.ID).Hash, "after it was reopened")
}

func twentyFive(t *storeTest) {
	recs := make([]port.Record, port.MaxWrites)
	for i := range recs {
		recs[i] = done(newID(), fmt.Sprint(i))
	}
	t.save(recs...)
	for _, want := range recs {
		t.has(want)
	}
}

func sameIDTwice(t *storeTest) {
	id, other := newID(), newID()
	err := t.store.Save(t.Context(), []port.Record{
		attempt(id, 1), done(other, `"other"`), attempt(id, 2), done(id, `"first"`), ended(id, task.Dead), ended(other, task.Dead),
	})
	for i := range 4 {
		require.NoError(t, port.ItemError(err, i), "item %d", i)
	}
	require.ErrorIs(t, port.ItemError(err, 4), port.ErrFinished)
	require.ErrorIs(t, port.ItemError(err, 5), port.ErrFinished)
	t.has(done(id, `"first"`))
	t.has(done(other, `"other"`))
}

func saveErrors(t *storeTest) {
	recs := make([]port.Record, 8)
	for i := range recs {
		recs[i] = done(newID(), fmt.Sprint(i))
		if i%3 == 0 {
			t.save(ended(recs[i].ID, task.Cancelled))
		}
	}
	err := t.store.Save(t.Context(), recs)
	for i := range recs {
		if i%3 == 0 {
			require.ErrorIs(t, port.ItemError(err, i), port.ErrFinished, "item %d", i)
			require.Equal(t, task.Cancelled, t.load(recs[i].ID).State, "item %d", i)
		} else {
			require.NoError(t, port.ItemError(err, i), "item %d", i)
			t.has(recs[i])
		}
	}
}

// oneWinner lets 25 savers end one task, each in its own way: one is told that
// it has won, and its outcome stands.
func oneWinner(t *storeTest) {
	const savers = 25
	id := newID()
	errs := make([]error, savers)
	var group sync.WaitGroup
	for i := range savers {
		group.Go(func() { errs[i] = t.saveErr(done(id, fmt.Sprint(i))) })
	}
	group.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			require.Equal(t, fmt.Sprint(i), string(t.load(id).Result), "the winner's result stands")
			continue
		}
		require.True(t, errors.Is(err, port.ErrFinished) || errors.Is(err, port.ErrUnavailable), "saver %d: %v", i, err)
	}
	require.Equal(t, 1, winners, "winners")
}

// expiredIsAbsent saves records that are over already: nobody sees them, and
// the next save makes a new one.
func expiredIsAbsent(t *storeTest) {
	for _, state := range append(terminals(), task.Open) {
		over := ended(newID(), state)
		over.GiveBacks, over.Generation, over.Hash = 9, 4, []byte("old hash")
		over.Expires = time.Now().Add(-time.Minute).Truncate(time.Second)
		t.save(over)
		require.Equal(t, port.Record{ID: over.ID}, t.load(over.ID), "%v, and over", state)
		next := attempt(over.ID, 1)
		t.save(next)
		t.has(next)
	}
	over := ended(newID(), task.Done)
	over.Expires = time.Now().Add(-time.Minute).Truncate(time.Second)
	t.save(over)
	rec := t.claimed(take(over.ID, "token"))
	require.Equal(t, task.Open, rec.State, "a claim on what is over makes a new record")
	require.Empty(t, rec.Result)
}

func foreignID(t *storeTest) {
	good := done(newID(), `1`)
	for _, id := range []string{"", "order-17", newID() + "0", strings.Replace(newID(), "-", "x", 1), "g" + newID()[1:]} {
		err := t.store.Save(t.Context(), []port.Record{done(id, `1`), good})
		require.ErrorIs(t, port.ItemError(err, 0), port.ErrInvalid, "ID %q", id)
		require.NoError(t, port.ItemError(err, 1), "the record beside ID %q", id)
	}
	t.has(good)
}
