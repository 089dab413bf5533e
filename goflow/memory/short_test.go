package memory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// A lease is over by its ack or by a release, whichever comes first, and names no later
// lease of its message.
func TestLocalLeaseEndsOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := memory.NewLocalBroker(0)
	take := func() port.Delivery {
		var into [1]port.Delivery
		n, err := b.Receive(ctx, into[:])
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return into[0]
	}
	extend := func(d port.Delivery) error { return port.ItemError(b.Extend(ctx, []port.Lease{{Delivery: d}}), 0) }
	ack := func(d port.Delivery) { require.NoError(t, b.Ack(ctx, []port.Delivery{d})) }

	require.NoError(t, b.Send(ctx, []port.Message{{ID: "one", Value: 1}}))
	first := take()
	require.NoError(t, extend(first))
	second := take()
	require.Equal(t, "one", second.ID)
	require.Equal(t, 1, second.Value)
	require.Equal(t, 2, second.Receives)
	require.Equal(t, first.SentAt, second.SentAt)
	require.Equal(t, first.FirstReceivedAt, second.FirstReceivedAt)
	ack(first)
	require.ErrorIs(t, extend(first), port.ErrLeaseLost)
	require.Equal(t, port.Size{Leased: 1}, size(t, b), "neither touches the second lease")
	ack(second)

	require.NoError(t, b.Send(ctx, []port.Message{{ID: "two", Value: 2}}))
	third := take()
	ack(third)
	ack(third)
	ack(second)
	require.ErrorIs(t, extend(third), port.ErrLeaseLost)
	require.Equal(t, port.Size{}, size(t, b))
}

func size(t *testing.T, b *memory.LocalBroker) port.Size {
	t.Helper()
	s, err := b.Size(t.Context())
	require.NoError(t, err)
	return s
}

// Whatever is added and forgotten, each record is found, and no other.
func TestRecordsAreFoundWhateverIsForgotten(t *testing.T) {
	t.Parallel()
	const most = 100
	s := memory.NewLocalStore(memory.MaxRecords(most))
	chance := rand.New(rand.NewPCG(1, 2))
	var latest []string
	for i := range 20_000 {
		id := fmt.Sprint(chance.Uint64())
		require.NoError(t, s.Save(t.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1, Value: i}}))
		latest = append(latest, id)
		if len(latest) > most {
			rec, ok := s.Peek(latest[0])
			require.False(t, ok, "%v was forgotten", rec)
			latest = latest[1:]
		}
		at := chance.IntN(len(latest))
		rec, ok := s.Peek(latest[at])
		require.True(t, ok)
		require.Equal(t, i-len(latest)+1+at, rec.Value)
	}
}

// Who waits is told once, and not after it has left.
func TestNotify(t *testing.T) {
	t.Parallel()
	s := memory.NewLocalStore()
	ends := func(id string) {
		require.NoError(t, s.Save(t.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1}}))
	}
	first, second, gone := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	for _, ended := range []chan struct{}{first, gone, second} {
		_, ok := s.Notify("a", ended)
		require.False(t, ok)
	}
	s.Unnotify("a", gone)
	s.Unnotify("b", gone)
	ends("a")
	require.Len(t, first, 1)
	require.Len(t, second, 1)
	require.Empty(t, gone)
	rec, ok := s.Notify("a", gone)
	require.True(t, ok, "it has ended")
	require.Equal(t, task.Done, rec.State)
}

// A receiver that is woken wakes the next one if there is more than it takes.
func TestReceiversWakeEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewLocalBroker(0)
		got := make(chan any, 3)
		for range 3 {
			go func() {
				var into [1]port.Delivery
				_, _ = b.Receive(t.Context(), into[:])
				got <- into[0].Value
			}()
		}
		synctest.Wait()
		require.NoError(t, b.Send(t.Context(), []port.Message{{Value: 1}, {Value: 2}, {Value: 3}}))
		require.ElementsMatch(t, []any{1, 2, 3}, []any{<-got, <-got, <-got})
	})
}

// Many send, receive and ack at once; a closed broker ends when all is acked.
func TestLocalBrokerSideBySide(t *testing.T) {
	t.Parallel()
	const senders, each = 4, 500
	b := memory.NewLocalBroker(8)
	got := make(chan string, senders*each)
	done := make(chan error, 2*senders)
	for n := range senders {
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				err = b.Send(t.Context(), []port.Message{{ID: fmt.Sprint(n, " ", i), Value: i}})
			}
			done <- err
		}()
		go func() {
			var into [1]port.Delivery
			for {
				if _, err := b.Receive(t.Context(), into[:]); err != nil {
					done <- err
					return
				}
				if into[0].Receives == 1 && len(into[0].ID)%2 == 0 {
					_ = b.Extend(t.Context(), []port.Lease{{Delivery: into[0]}})
					continue
				}
				_ = b.Ack(t.Context(), into[:])
				got <- into[0].ID
			}
		}()
	}
	for range senders {
		require.NoError(t, <-done)
	}
	b.Close()
	for range senders {
		require.ErrorIs(t, <-done, port.ErrClosed)
	}
	seen := map[string]bool{}
	for range senders * each {
		seen[<-got] = true
	}
	require.Len(t, seen, senders*each, "each message once")
}
