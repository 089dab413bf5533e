package memory_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func save(t *testing.T, s port.Store, rec port.Record) {
	t.Helper()
	rec.Generation = 1
	require.NoError(t, s.Save(t.Context(), []port.Record{rec}))
}

func state(t *testing.T, s port.Store, id string) task.State {
	t.Helper()
	recs, err := s.Load(t.Context(), []string{id}, true)
	require.NoError(t, err)
	return recs[0].State
}

func TestRecordIsForgottenWhenItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.NewStore()
		save(t, s, port.Record{ID: someID, State: task.Done, Expires: time.Now().Add(1500 * time.Millisecond)})
		time.Sleep(1900 * time.Millisecond)
		require.Equal(t, task.Done, state(t, s, someID), "stores keep whole seconds, rounded up")
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, task.Unknown, state(t, s, someID))
	})
}

// However long a store lives, it holds no more than twice what counts.
func TestForgottenRecordsTakeNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const perHour = 100
		s := memory.NewLocalStore()
		for i := range 50 * perHour {
			ttl := time.Hour
			if i%10 == 0 {
				ttl = 3 * time.Hour
			}
			save(t, s, port.Record{ID: fmt.Sprint(i), State: task.Done, Expires: time.Now().Add(ttl)})
			time.Sleep(time.Hour / perHour)
			require.LessOrEqual(t, memory.Held(s), 3*perHour, "records held after %d", i)
		}
	})
}

func TestMaxRecordsForgetsTheOldestThatEnded(t *testing.T) {
	t.Parallel()
	s := memory.NewLocalStore(memory.MaxRecords(10))
	save(t, s, port.Record{ID: "open", State: task.Open})
	for i := range 100 {
		save(t, s, port.Record{ID: fmt.Sprint(i), State: task.Done})
	}
	require.LessOrEqual(t, memory.Held(s), 10)
	require.Equal(t, task.Open, state(t, s, "open"), "an open record is always kept")
	for i := range 9 {
		require.Equal(t, task.Done, state(t, s, fmt.Sprint(99-i)), "one of the last nine")
	}
	require.Equal(t, task.Unknown, state(t, s, "90"))
}

func TestMaxRecordsKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := memory.NewLocalStore(memory.MaxRecords(10))
	for i := range 50 {
		save(t, s, port.Record{ID: fmt.Sprint(i), State: task.Open})
	}
	for i := range 50 {
		require.Equal(t, task.Open, state(t, s, fmt.Sprint(i)))
		save(t, s, port.Record{ID: fmt.Sprint(i), State: task.Done})
	}
	for i := range 50 {
		save(t, s, port.Record{ID: fmt.Sprint("new", i), State: task.Done})
	}
	require.LessOrEqual(t, memory.Held(s), 10)
}

// Who was told of an outcome gets it, however long it takes to look.
func TestOutcomeOutlastsItsRecordForWhoWaits(t *testing.T) {
	t.Parallel()
	s := memory.NewLocalStore(memory.MaxRecords(1))
	ended, other := make(chan struct{}, 1), make(chan struct{}, 1)
	for _, c := range []chan struct{}{ended, other} {
		_, ok := s.Notify("first", c)
		require.False(t, ok)
	}
	save(t, s, port.Record{ID: "first", State: task.Done, Result: []byte("1"), Attempts: 2})
	for i := range 10 {
		save(t, s, port.Record{ID: fmt.Sprint(i), State: task.Done})
	}
	require.Equal(t, 1, memory.Held(s))
	require.Len(t, ended, 1)
	want := port.Record{ID: "first", State: task.Done, Generation: 1, Result: []byte("1"), Attempts: 2}
	rec, ok := s.Unnotify("first", ended)
	require.True(t, ok)
	require.Equal(t, want, rec)
	rec.Result[0] = 'x'
	rec, ok = s.Unnotify("first", other)
	require.True(t, ok)
	require.Equal(t, want, rec, "everybody has a copy")
	_, ok = s.Unnotify("first", other)
	require.False(t, ok)
	_, ok = s.Notify("second", other)
	require.False(t, ok)
	_, ok = s.Unnotify("second", other)
	require.False(t, ok, "nothing is left of the first")
}

func TestAwaitThatEndsLeavesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.NewStore()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Await(ctx, someID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, memory.Awaited(s))
		go func() { _, _ = s.Await(t.Context(), someID) }()
		synctest.Wait()
		require.Equal(t, 1, memory.Awaited(s))
		save(t, s, port.Record{ID: someID, State: task.Done})
		synctest.Wait()
		require.Zero(t, memory.Awaited(s))
	})
}

// Values that Go cannot compare must not panic.
func TestLocalStoreComparesAnyValue(t *testing.T) {
	t.Parallel()
	s := memory.NewLocalStore()
	end := func(id string, value any) error {
		return s.Save(t.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1, Value: value}})
	}
	require.NoError(t, end("number", 1))
	require.NoError(t, end("number", 1))
	require.ErrorIs(t, end("number", 2), port.ErrFinished)
	require.ErrorIs(t, end("number", "1"), port.ErrFinished)
	require.ErrorIs(t, end("number", nil), port.ErrFinished)
	require.NoError(t, end("slice", []any{1}))
	require.ErrorIs(t, end("slice", []any{1}), port.ErrFinished)
	require.NoError(t, end("nested", [1]any{[]int{1}}))
	require.ErrorIs(t, end("nested", [1]any{[]int{1}}), port.ErrFinished)
}

// The local broker and store are on the way of every local task.
func TestLocalModeAllocatesLittle(t *testing.T) { //nolint:paralleltest // other tests' allocations would be counted
	b, s := memory.NewLocalBroker(0), memory.NewLocalStore(memory.MaxRecords(16))
	ctx, value := t.Context(), any(t)
	msgs, into, recs := make([]port.Message, 1), make([]port.Delivery, 1), make([]port.Record, 1)
	ids := make([]string, 64)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	turn := 0
	allocs := testing.AllocsPerRun(1000, func() {
		id := ids[turn%len(ids)]
		turn++
		msgs[0] = port.Message{ID: id, Value: value}
		recs[0] = port.Record{ID: id, State: task.Done, Generation: 1, Value: value}
		if b.Send(ctx, msgs) != nil {
			t.Fatal("Send failed")
		}
		if n, err := b.Receive(ctx, into); n != 1 || err != nil {
			t.Fatal("Receive failed")
		}
		if s.Save(ctx, recs) != nil || b.Ack(ctx, into) != nil {
			t.Fatal("Save or Ack failed")
		}
	})
	require.LessOrEqual(t, allocs, 1.0, "allocations to send, receive, save and ack")
}
