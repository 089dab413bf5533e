package wire_test

import (
	"context"
	cryptorand "crypto/rand"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/cryptotest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

const page = "<html><body>no upstream</body></html>"

// TestEveryFaultHasItsClass: effects is how often the service was called for one
// call that the SDK repeats as often as it does.
func TestEveryFaultHasItsClass(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	for name, c := range map[string]struct {
		fault      wire.Fault
		send       error
		effects    int
		unrepeated bool // the SDK does not
	}{
		"refused":           {wire.Fault{Kind: wire.Refused}, port.ErrUnavailable, 0, false},
		"no such host":      {wire.Fault{Kind: wire.Refused, Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, port.ErrUnavailable, 0, false},
		"cut before":        {wire.Fault{Kind: wire.CutBefore}, port.ErrAmbiguous, 0, false},
		"reset before":      {wire.Fault{Kind: wire.CutBefore, Err: reset}, port.ErrAmbiguous, 0, false},
		"cut after":         {wire.Fault{Kind: wire.CutAfter}, port.ErrAmbiguous, 3, false},
		"closed after":      {wire.Fault{Kind: wire.CutAfter, Err: net.ErrClosed}, port.ErrAmbiguous, 3, false},
		"truncated":         {wire.Fault{Kind: wire.Truncated}, port.ErrAmbiguous, 1, true},
		"500, empty":        {wire.Fault{Kind: wire.Failed}, port.ErrAmbiguous, 0, false},
		"503, a page":       {wire.Fault{Kind: wire.Failed, Status: 503, Body: page}, port.ErrAmbiguous, 0, false},
		"500 after":         {wire.Fault{Kind: wire.FailedAfter}, port.ErrAmbiguous, 3, false},
		"504 after":         {wire.Fault{Kind: wire.FailedAfter, Status: 504, Body: page}, port.ErrAmbiguous, 3, false},
		"429, empty":        {wire.Fault{Kind: wire.Failed, Status: 429}, port.ErrUnavailable, 0, false},
		"throttled":         {wire.Fault{Kind: wire.Rejected}, port.ErrUnavailable, 0, false},
		"throttled late":    {wire.Fault{Kind: wire.Rejected, Before: time.Second}, port.ErrUnavailable, 0, false},
		"expired":           {wire.Fault{Kind: wire.Rejected, Code: "ExpiredTokenException"}, port.ErrUnavailable, 0, false},
		"nothing, but slow": {wire.Fault{Before: time.Second, After: time.Second}, nil, 1, false},
	} {
		for call, f := range portCalls() {
			in(t, always(c.fault), func(t *testing.T, w *world) {
				effects, want := c.effects, c.send
				if call != "Send" && want == port.ErrAmbiguous { //nolint:errorlint // which of two it is
					want = port.ErrUnavailable
				}
				if call == "Receive" { // The SDK's retries are off.
					effects = min(effects, 1)
				}
				err := f(t.Context(), w)
				require.Equal(t, effects, w.calls(), "%s, %s", name, call)
				if want != nil {
					requireClass(t, err, want, name+", "+call)
				}
				if c.unrepeated {
					require.Empty(t, w.waits, "%s, %s", name, call)
				}
			})
		}
	}
}

// TestAnswerLostOnceIsAnEffectTwice: so do duplicates come about, without any
// error that somebody could see.
func TestAnswerLostOnceIsAnEffectTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range []wire.Kind{wire.CutAfter, wire.FailedAfter} {
		in(t, first(wire.Fault{Kind: kind}), func(t *testing.T, w *world) {
			require.NoError(t, portCalls()["Send"](t.Context(), w))
			require.Equal(t, 2, w.calls(), kind)
			require.Equal(t, w.got[0], w.got[1])
			require.Equal(t, []int{1}, w.waits)
		})
	}
	for _, kind := range []wire.Kind{wire.Refused, wire.CutBefore, wire.Failed, wire.Rejected} {
		in(t, first(wire.Fault{Kind: kind}), func(t *testing.T, w *world) {
			require.NoError(t, portCalls()["Send"](t.Context(), w))
			require.Equal(t, 1, w.calls(), kind)
		})
	}
}

func TestFaultsAreAskedOncePerAttempt(t *testing.T) {
	t.Parallel()
	var asked []string
	faults := func(_ context.Context, operation string) wire.Fault {
		asked = append(asked, operation)
		return wire.Fault{Kind: wire.CutBefore}
	}
	in(t, faults, func(t *testing.T, w *world) {
		require.Error(t, portCalls()["Load"](t.Context(), w))
		require.Equal(t, []string{"BatchGetItem", "BatchGetItem", "BatchGetItem"}, asked)
		require.Equal(t, []int{1, 2}, w.waits)
	})
}

func TestFaultsReadTheCallersContext(t *testing.T) {
	t.Parallel()
	type actor struct{}
	var who []any
	faults := func(ctx context.Context, _ string) wire.Fault {
		who = append(who, ctx.Value(actor{}))
		return wire.Fault{}
	}
	in(t, faults, func(t *testing.T, w *world) {
		for name, call := range portCalls() {
			_ = call(context.WithValue(t.Context(), actor{}, name), w)
		}
		require.NotContains(t, who, nil)
		require.Len(t, who, len(portCalls()))
	})
}

// TestContextThatEndsIsSaidSo: before the service was reached it has done nothing,
// afterwards it has.
func TestContextThatEndsIsSaidSo(t *testing.T) {
	t.Parallel()
	for effects, fault := range []wire.Fault{{Before: time.Minute}, {After: time.Minute}} {
		in(t, always(fault), func(t *testing.T, w *world) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			err := portCalls()["Send"](ctx, w)
			requireClass(t, err, port.ErrAmbiguous, "Send")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(start))
			require.Equal(t, effects, w.calls())
		})
	}
}

// TestContextThatEndsBetweenAttemptsIsSaidSo: what was surely not sent before is
// not in doubt because of that.
func TestContextThatEndsBetweenAttemptsIsSaidSo(t *testing.T) {
	t.Parallel()
	for kind, want := range map[wire.Kind]error{
		wire.Refused: port.ErrUnavailable, wire.Rejected: port.ErrUnavailable, wire.CutBefore: port.ErrAmbiguous,
	} {
		in(t, always(wire.Fault{Kind: kind}), func(t *testing.T, w *world) {
			ctx, cancel := context.WithTimeout(t.Context(), backoff/2)
			defer cancel()
			err := portCalls()["Send"](ctx, w)
			requireClass(t, err, want, string(kind))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, []int{1}, w.waits)
		})
	}
}

// TestQuotaOfRetriesRunsOut: after 35 retries without a success each call has one
// attempt, and its error is another, of two lines.
func TestQuotaOfRetriesRunsOut(t *testing.T) {
	t.Parallel()
	attempts := 0
	faults := func(context.Context, string) wire.Fault {
		attempts++
		return wire.Fault{Kind: wire.Failed, Status: 503, Body: page}
	}
	in(t, faults, func(t *testing.T, w *world) {
		for range 50 {
			err := portCalls()["Send"](t.Context(), w)
			requireClass(t, err, port.ErrAmbiguous, "Send")
			require.NotContains(t, err.Error(), "\n")
		}
		require.Equal(t, 50+35, attempts)
	})
}

// TestTruncatedBodyEndsInTheMiddle: as net/http says it, who knows its length.
func TestTruncatedBodyEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	in(t, always(wire.Fault{Kind: wire.Truncated}), func(t *testing.T, w *world) {
		got := w.post(t, "AmazonSQS.GetQueueAttributes", "{}")
		require.ErrorIs(t, got.cut, io.ErrUnexpectedEOF)
		require.Equal(t, "{", got.text)
		require.EqualValues(t, len("{}"), got.length)
	})
}

// TestTimeoutOfTheClientIsNotTheCallers: each attempt has its own.
func TestTimeoutOfTheClientIsNotTheCallers(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]error{"Send": port.ErrAmbiguous, "Save": port.ErrUnavailable} {
		in(t, always(wire.Fault{After: time.Minute}), func(t *testing.T, w *world) {
			w.wire.Timeout = 10 * time.Second
			start := time.Now()
			err := portCalls()[call](t.Context(), w)
			requireClass(t, err, want, call)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 3*w.wire.Timeout+2*backoff, time.Since(start))
			require.Equal(t, 3, w.calls())
		})
	}
}

func TestLongPollTakesItsTimeAndNoMore(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.poll = 20 * time.Second
		start := time.Now()
		for range 10 {
			require.NoError(t, portCalls()["Receive"](t.Context(), w))
		}
		require.Equal(t, 200*time.Second, time.Since(start))
	})
}

// TestPollInProgressIsAwaitedWhenItsCallerStops: so it strands nothing.
func TestPollInProgressIsAwaitedWhenItsCallerStops(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.poll = 20 * time.Second
		w.give["ReceiveMessage"] = &awssqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{MessageId: str("m"), Body: str(body)}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		n, err := w.broker.Receive(ctx, make([]port.Delivery, 1))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

// TestPollGoesOnWithoutItsCaller: whoever leaves a poll strands what it brings.
func TestPollGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.poll = 40 * time.Second // longer than any poll of the adapter
		start := time.Now()
		err := portCalls()["Receive"](t.Context(), w)
		requireClass(t, err, port.ErrUnavailable, "Receive")
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
		require.Equal(t, 30*time.Second, time.Since(start))
		require.Zero(t, w.calls())
		time.Sleep(10*time.Second + time.Nanosecond)
		require.Equal(t, 1, w.calls(), "the service has received for nobody")
	})
}

// TestSameSeedIsTheSameSequence: whatever else the SDK draws.
func TestSameSeedIsTheSameSequence(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (log []string) {
		random := rand.New(rand.NewPCG(seed, 0))
		faults := func(_ context.Context, operation string) wire.Fault {
			kinds := append(wire.Kinds(), wire.None, wire.None, wire.None)
			f := wire.Fault{Kind: kinds[random.IntN(len(kinds))], Before: time.Duration(random.IntN(1000)) * time.Millisecond}
			log = append(log, time.Now().Format(time.StampNano)+" "+operation+" "+string(f.Kind))
			return f
		}
		in(t, faults, func(t *testing.T, w *world) {
			for range 20 {
				for _, name := range []string{"Send", "Receive", "Save", "Load", "Ack"} {
					if err := portCalls()[name](t.Context(), w); err != nil {
						log = append(log, err.Error())
					}
				}
			}
		})
		return log
	}
	one := run(1)
	require.Greater(t, len(one), 100)
	require.Equal(t, one, run(1))
	require.NotEqual(t, one, run(2))
	for _, kind := range wire.Kinds() {
		require.True(t, slices.ContainsFunc(one, func(line string) bool { return strings.HasSuffix(line, " "+string(kind)) }), kind)
	}
}

// TestClientsDrawNothing: what others draw does not depend on when calls are made.
func TestClientsDrawNothing(t *testing.T) { //nolint:paralleltest // the source is everybody's
	draw := func(calls int) string {
		cryptotest.SetGlobalRandom(t, 1)
		in(t, first(wire.Fault{Kind: wire.CutAfter}), func(t *testing.T, w *world) {
			for range calls {
				require.NoError(t, portCalls()["Send"](t.Context(), w))
				require.NoError(t, portCalls()["Load"](t.Context(), w))
			}
		})
		return cryptorand.Text()
	}
	require.Equal(t, draw(0), draw(3))
}

// TestManyCallsAtOnce: 32 of them, each with one retry.
func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	faults := func(context.Context, string) wire.Fault {
		if asked.Add(1) <= 32 {
			return wire.Fault{Kind: wire.CutAfter, Err: io.EOF}
		}
		return wire.Fault{}
	}
	in(t, faults, func(t *testing.T, w *world) {
		start := time.Now()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if err := portCalls()["Send"](t.Context(), w); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 64, w.calls())
		require.Equal(t, backoff, time.Since(start))
	})
}
