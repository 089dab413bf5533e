package memory_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// closer is what both brokers are.
type closer interface {
	port.Broker
	port.Sizer
	Close()
}

// onBoth runs a test on a fresh broker of each kind, on fake time.
func onBoth(t *testing.T, f func(t *testing.T, b closer)) {
	t.Helper()
	for name, open := range map[string]func() closer{
		"Broker":      func() closer { return memory.NewBroker(memory.Capacity(10), memory.PollWait(0)) },
		"LocalBroker": func() closer { return memory.NewLocalBroker(10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, open()) })
		})
	}
}

func text(body string) []port.Message { return []port.Message{{Body: []byte(body)}} }

func receive(t *testing.T, b port.Broker) port.Delivery {
	t.Helper()
	into := make([]port.Delivery, 1)
	n, err := b.Receive(t.Context(), into)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	return into[0]
}

func isClosed(t *testing.T, b port.Broker) {
	t.Helper()
	n, err := b.Receive(t.Context(), make([]port.Delivery, 1))
	require.Zero(t, n)
	require.ErrorIs(t, err, port.ErrClosed)
}

func TestCloseHandsOutWhatIsQueuedAndDelayed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		require.NoError(t, b.Send(t.Context(), []port.Message{{Body: []byte("later"), Delay: time.Minute}, {Body: []byte("now")}}))
		b.Close()
		b.Close()
		err := b.Send(t.Context(), text("refused"))
		require.ErrorIs(t, port.ItemError(err, 0), port.ErrClosed)
		start := time.Now()
		for _, want := range []string{"now", "later"} {
			d := receive(t, b)
			require.Equal(t, want, string(d.Body))
			require.NoError(t, b.Ack(t.Context(), []port.Delivery{d}))
		}
		require.Equal(t, time.Minute, time.Since(start))
		isClosed(t, b)
		isClosed(t, b)
	})
}

// A retry after Close has to be received: so what is leased holds the
// receivers, until the last of it is acked.
func TestClosedBrokerWaitsForWhatIsLeased(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		require.NoError(t, b.Send(t.Context(), text("retried")))
		d := receive(t, b)
		b.Close()
		ended := make([]error, 3)
		var group sync.WaitGroup
		var again port.Delivery
		for i := range ended {
			group.Go(func() {
				into := make([]port.Delivery, 1)
				n, err := b.Receive(t.Context(), into)
				if n == 1 {
					again = into[0]
					time.Sleep(time.Second)
					ended[i] = b.Ack(t.Context(), into)
					_, err = b.Receive(t.Context(), into)
				}
				ended[i] = err
			})
		}
		require.NoError(t, b.Extend(t.Context(), []port.Lease{{Delivery: d, For: 10 * time.Second}}))
		start := time.Now()
		group.Wait()
		require.Equal(t, 11*time.Second, time.Since(start), "the receivers went when the retry was acked")
		require.Equal(t, 2, again.Receives)
		for _, err := range ended {
			require.ErrorIs(t, err, port.ErrClosed)
		}
	})
}

func TestCloseFreesBlockedSenders(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		for range 10 {
			require.NoError(t, b.Send(t.Context(), text("fills")))
		}
		errs := make([]error, 3)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() { errs[i] = b.Send(t.Context(), text("blocked")) })
		}
		synctest.Wait()
		b.Close()
		group.Wait()
		for _, err := range errs {
			require.ErrorIs(t, err, port.ErrClosed)
		}
		size, err := b.Size(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Size{Waiting: 10}, size)
	})
}

func TestCloseFreesIdleReceivers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := b.Receive(t.Context(), make([]port.Delivery, 1)); err == nil {
					t.Error("Receive of a closed broker returned no error")
				}
			})
		}
		synctest.Wait()
		b.Close()
		group.Wait()
	})
}

// What is given back has room however full the broker is: a worker that waited
// for itself would wait for ever. Delayed messages need room, leased ones none.
func TestCapacityCountsWhatWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		msgs := make([]port.Message, 10)
		for i := range msgs {
			msgs[i] = port.Message{Body: []byte("m"), Delay: time.Hour * time.Duration(i%2) / 4}
		}
		require.NoError(t, b.Send(t.Context(), msgs))
		d := receive(t, b)
		require.NoError(t, b.Send(t.Context(), text("takes the room")))
		require.NoError(t, b.Extend(t.Context(), []port.Lease{{Delivery: d}}))
		size, err := b.Size(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Size{Waiting: 6, Delayed: 5}, size)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		receive(t, b) // 10 are left: still full
		require.ErrorIs(t, b.Send(ctx, text("no room")), context.DeadlineExceeded)
		receive(t, b)
		require.NoError(t, b.Send(t.Context(), text("room")))
	})
}

// Senders and receivers that come and go, some of them giving up, lose neither
// a message nor a wake-up.
func TestManySendersAndReceivers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b closer) {
		const senders, each = 8, 200
		var sending, receiving sync.WaitGroup
		for range senders {
			sending.Go(func() {
				for range each {
					for sent := false; !sent; {
						ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
						sent = b.Send(ctx, text("m")) == nil
						cancel()
					}
				}
			})
		}
		var mu sync.Mutex
		acked := 0
		for i := range 5 {
			receiving.Go(func() {
				into := make([]port.Delivery, 1+i)
				for {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i)*time.Millisecond)
					n, err := b.Receive(ctx, into)
					cancel()
					if n > 0 {
						time.Sleep(time.Millisecond)
						mu.Lock()
						acked += n
						mu.Unlock()
						if b.Ack(t.Context(), into[:n]) != nil {
							t.Error("Ack failed")
						}
					}
					if errors.Is(err, port.ErrClosed) {
						return
					}
				}
			})
		}
		sending.Wait()
		b.Close()
		receiving.Wait()
		require.Equal(t, senders*each, acked)
	})
}

// What is discarded is named, and holds no receiver any more; what somebody
// works on goes on.
func TestDiscardNamesWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewLocalBroker(0)
		for _, id := range []string{"running", "retried", "waiting"} {
			require.NoError(t, b.Send(t.Context(), []port.Message{{ID: id, Value: id}}))
		}
		require.NoError(t, b.Send(t.Context(), []port.Message{{ID: "delayed", Value: 1, Delay: time.Hour}}))
		running, retried := receive(t, b), receive(t, b)
		require.NoError(t, b.Extend(t.Context(), []port.Lease{{Delivery: retried, For: time.Minute}}))
		b.Close()
		require.ElementsMatch(t, []string{"retried", "waiting", "delayed"}, b.Discard())
		require.Empty(t, b.Discard())
		size, err := b.Size(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Size{Leased: 1}, size)
		require.ErrorIs(t, b.Extend(t.Context(), []port.Lease{{Delivery: retried}}), port.ErrLeaseLost)
		require.NoError(t, b.Ack(t.Context(), []port.Delivery{running}))
		isClosed(t, b)
	})
}
