package goflow

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Receives that end at the same moment must not each take another's for the one that
// goes on: nothing would be received any more.
func TestOnePollerGoesOn(t *testing.T) {
	t.Parallel()
	w, err := NewWorker(memory.NewBroker(), memory.NewStore(), NewMux(), NoDeadLetters())
	require.NoError(t, err)
	s := w.sources[0]
	for _, over := range map[string]func() bool{
		"nothing came": func() bool { return s.adapt(0, port.MaxMessages, 0, nil) },
		"trouble":      func() bool { return s.stay(0) },
	} {
		s.pollers = mostPollers
		goOn := 0
		for range mostPollers {
			if over() {
				goOn++
			}
		}
		require.Equal(t, []int{1, 1}, []int{goOn, s.pollers})
	}
}

// hanging is a broker whose receives bring ten, then hang.
type hanging struct {
	*memory.Broker
	mu    sync.Mutex
	fewer int
}

func (b *hanging) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	b.mu.Lock()
	b.fewer--
	hangs := b.fewer < 0
	b.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return b.Broker.Receive(ctx, into)
}

// A worker all of whose receives hang is not ready, though some pollers have no room.
func TestReceivesThatHangAreNoReadiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broker := &hanging{Broker: memory.NewBroker(), fewer: 20}
		store, mux := memory.NewStore(), NewMux()
		NewJob[int, int]("t").Handle(mux, func(_ context.Context, n int) (int, error) { return n, nil })
		client, err := NewClient(broker, store)
		require.NoError(t, err)
		for range 200 {
			_, err := client.Push(t.Context(), "t", []byte("1"))
			require.NoError(t, err)
		}
		w, err := NewWorker(broker, store, mux, NoDeadLetters(), Concurrency(20))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(time.Hour)
		require.Greater(t, time.Since(w.LastReceive()), 50*time.Minute)
		stop()
		require.NoError(t, <-ended)
	})
}
