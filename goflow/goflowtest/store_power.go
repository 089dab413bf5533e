package goflowtest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func storePowerCases(f StoreFeatures) []storeCase {
	return []storeCase{
		{"PowersAreAsPromised", true, storePowers},
		{"CheckOfAWorkingStoreIsNil", f.Checker, checkStore},
		{"AwaitReturnsTheOutcome", f.Awaiter, awaitReturns},
		{"AwaitOfAnEndedTaskReturnsAtOnce", f.Awaiter, awaitEnded},
		{"AwaitEndsWithItsContext", f.Awaiter, awaitEnds},
		{"AwaitWaitsForTheReopenedTask", f.Awaiter, awaitReopened},
		{"ValueIsKeptByReference", f.InProcess, valueKept},
	}
}

func storePowers(t *storeTest) {
	_, inProcess := t.store.(port.InProcess)
	_, awaiter := t.store.(port.Awaiter)
	_, checker := t.store.(port.Checker)
	require.Equal(t, t.features.InProcess, inProcess, "port.InProcess")
	require.Equal(t, t.features.Awaiter, awaiter, "port.Awaiter")
	require.Equal(t, t.features.Checker, checker, "port.Checker")
}

func checkStore(t *storeTest) {
	checker, ok := t.store.(port.Checker)
	require.True(t, ok, "the store is a port.Checker")
	require.NoError(t, checker.Check(t.Context()))
}

// awaited is what one call of Await returned.
type awaited struct {
	rec port.Record
	err error
	at  time.Time
}

// awaiting starts an Await and returns where its answer goes.
func (t *storeTest) awaiting(ctx context.Context, id string) <-chan awaited {
	t.Helper()
	awaiter, ok := t.store.(port.Awaiter)
	require.True(t, ok, "the store is a port.Awaiter")
	answer := make(chan awaited, 1)
	go func() {
		rec, err := awaiter.Await(ctx, id)
		answer <- awaited{rec, err, time.Now()}
	}()
	return answer
}

// awaitReturns: an open record wakes nobody, an outcome everybody.
func awaitReturns(t *storeTest) {
	for _, state := range terminals() {
		want := ended(newID(), state)
		answers := []<-chan awaited{t.awaiting(t.Context(), want.ID), t.awaiting(t.Context(), want.ID)}
		t.save(done(newID(), `"another task"`))
		t.save(attempt(want.ID, 1))
		time.Sleep(time.Second)
		saved := time.Now()
		t.save(want)
		for _, answer := range answers {
			got := <-answer
			require.NoError(t, got.err)
			require.Equal(t, plain(want), plain(got.rec))
			require.False(t, got.at.Before(saved), "Await returned before the outcome")
			require.LessOrEqual(t, got.at.Sub(saved), t.features.Slack+time.Second)
		}
	}
}

func awaitEnded(t *storeTest) {
	want := done(newID(), `"done"`)
	t.save(want)
	got := <-t.awaiting(t.Context(), want.ID)
	require.NoError(t, got.err)
	require.Equal(t, plain(want), plain(got.rec))
}

func awaitEnds(t *storeTest) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	rec := attempt(newID(), 1)
	t.save(rec)
	got := <-t.awaiting(ctx, rec.ID)
	require.ErrorIs(t, got.err, context.DeadlineExceeded)
}

func awaitReopened(t *storeTest) {
	rec := dead(newID(), 1)
	t.save(rec)
	t.reopen(rec)
	answer := t.awaiting(t.Context(), rec.ID)
	time.Sleep(time.Second)
	end := done(rec.ID, `"of generation 2"`)
	end.Generation = 2
	t.save(end)
	got := <-answer
	require.NoError(t, got.err)
	require.Equal(t, plain(end), plain(got.rec))
}

func valueKept(t *storeTest) {
	value := &struct{ answer func() int }{answer: func() int { return 42 }}
	rec := open(newID())
	rec.State, rec.Value = task.Done, value
	t.save(rec)
	require.Same(t, value, t.load(rec.ID).Value, "the value itself, not a copy")
}
