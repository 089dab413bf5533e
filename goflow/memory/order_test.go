package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

func ordered(opts ...memory.BrokerOption) *memory.Broker {
	return memory.NewBroker(append([]memory.BrokerOption{memory.Ordered(), memory.PollWait(time.Second)}, opts...)...)
}

func sendStep(t *testing.T, b *memory.Broker, id string) {
	t.Helper()
	require.NoError(t, b.Send(t.Context(), []port.Message{{ID: id, Body: []byte(id), Group: "g"}}))
}

func TestIDIsForgottenAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ordered()
		for _, c := range []struct {
			after   time.Duration
			waiting int
		}{{0, 1}, {5*time.Minute - time.Second, 1}, {time.Second, 2}, {time.Second, 2}} {
			time.Sleep(c.after)
			sendStep(t, b, "1")
			size, err := b.Size(t.Context())
			require.NoError(t, err)
			require.Equal(t, port.Size{Waiting: c.waiting}, size)
		}
	})
}

// What is dropped from the middle of a group leaves no gap that blocks it.
func TestGroupGoesOnBehindMessagesThatAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ordered(memory.Retention(time.Minute))
		sendStep(t, b, "old")
		sendStep(t, b, "as-old")
		time.Sleep(30 * time.Second)
		sendStep(t, b, "new")
		time.Sleep(30 * time.Second)
		require.Equal(t, "new", string(receive(t, b).Body))
		size, err := b.Size(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Size{Leased: 1}, size)
	})
}

func TestClosedOrderIsOverWhenItsGroupsAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ordered()
		sendStep(t, b, "1")
		sendStep(t, b, "2")
		b.Close()
		into := make([]port.Delivery, 1)
		for range 2 {
			n, err := b.Receive(t.Context(), into)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.NoError(t, b.Ack(t.Context(), into))
		}
		_, err := b.Receive(t.Context(), into)
		require.ErrorIs(t, err, port.ErrClosed)
	})
}

func TestCapacityCountsWhatWaitsBehindItsHead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ordered(memory.Capacity(2))
		sendStep(t, b, "1")
		sendStep(t, b, "2")
		sent := make(chan struct{})
		go func() {
			sendStep(t, b, "3")
			close(sent)
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("a third message had room")
		default:
		}
		receive(t, b)
		<-sent
	})
}
