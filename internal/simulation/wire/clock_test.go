package wire_test

import (
	"context"
	"hash/crc32"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

func TestSkewIsLearnedFromARefusal(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		in(t, nil, func(t *testing.T, w *world) {
			w.wire.SetSkew(skew)
			err := portCalls()["Receive"](t.Context(), w)
			requireClass(t, err, port.ErrUnavailable, "Receive, which has one attempt")
			require.NoError(t, portCalls()["Receive"](t.Context(), w), "the client knows now")
			require.Empty(t, w.waits)

			require.NoError(t, portCalls()["Load"](t.Context(), w))
			require.Equal(t, []int{1}, w.waits, "refused once; each client learns for itself")

			w.wire.SetSkew(0)
			require.NoError(t, portCalls()["Load"](t.Context(), w))
			require.Equal(t, []int{1, 1}, w.waits, "refused once more")
		})
	}
}

// leaseEnd is that of a claim for a minute.
func leaseEnd(t *testing.T, w *world) time.Duration {
	t.Helper()
	recs, err := w.store.Claim(t.Context(), []port.Claim{{ID: id, Generation: 1, Token: "mine", For: time.Minute}})
	require.NoError(t, err)
	return time.Until(recs[0].LeaseEnd) - time.Minute
}

func TestStoreLearnsTheServicesClock(t *testing.T) {
	t.Parallel()
	var fault wire.Fault
	faults := func(context.Context, string) wire.Fault { return fault }
	in(t, faults, func(t *testing.T, w *world) {
		time.Sleep(300 * time.Millisecond) // A Date has no fraction, the clock does.
		const skew = 10 * time.Second
		w.wire.SetSkew(skew)
		require.InDelta(t, skew, leaseEnd(t, w), float64(time.Second/2), "nothing was known, and the first answer has told")

		w.wire.SetSkew(2 * skew)
		fault.After = 3 * time.Second // What is late tells no time.
		require.NoError(t, portCalls()["Load"](t.Context(), w))
		fault.After = 0
		require.InDelta(t, skew, leaseEnd(t, w), float64(time.Second/2))
		require.InDelta(t, 2*skew, leaseEnd(t, w), float64(time.Second/2))
	})
}

func TestAnswersHaveWhatTheServicesSend(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.wire.SetSkew(90 * time.Second)
		for target, checked := range map[string]bool{"DynamoDB_20120810.DescribeTable": true, "AmazonSQS.GetQueueAttributes": false} {
			got := w.post(t, target, "{}")
			require.NoError(t, got.cut)
			require.Equal(t, "Sat, 01 Jan 2000 00:01:30 GMT", got.header.Get("Date"))
			require.Equal(t, strconv.Itoa(len(got.text)), got.header.Get("Content-Length"))
			require.EqualValues(t, len(got.text), got.length)
			require.Equal(t, "application/x-amz-json-1.0", got.header.Get("Content-Type"))
			crc := ""
			if checked {
				crc = strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(got.text))), 10)
			}
			require.Equal(t, crc, got.header.Get("X-Amz-Crc32"))
		}
	})
}
