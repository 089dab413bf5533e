package sqs_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// TestExactlyTheNamedEntriesFail tries every way in which three of ten entries
// fail, and in which the answer leaves three of ten out.
func TestExactlyTheNamedEntriesFail(t *testing.T) {
	t.Parallel()
	for a := range 8 {
		for b := a + 1; b < 9; b++ {
			for c := b + 1; c < 10; c++ {
				failing := &fake{fail: map[string]types.BatchResultErrorEntry{}}
				silent := &fake{}
				for _, i := range []int{a, b, c} {
					failing.fail[strconv.Itoa(i)] = entryError("InternalError", false)
					silent.silent = append(silent.silent, strconv.Itoa(i))
				}
				requireFailed(t, failing, a, b, c)
				requireFailed(t, silent, a, b, c)
			}
		}
	}
}

func requireFailed(t *testing.T, f *fake, want ...int) {
	t.Helper()
	for name, call := range batchCalls(10) {
		err, ok := errors.AsType[port.ItemErrors](call(t, sqs.NewFake(f)))
		require.True(t, ok, name)
		require.Len(t, err, len(want), name)
		for _, i := range want {
			class := port.ErrUnavailable
			if name == "Send" {
				class = port.ErrAmbiguous
			}
			requireClass(t, err[i], class, name)
		}
	}
}

func TestForeignEntriesInAnAnswerAreIgnored(t *testing.T) {
	t.Parallel()
	f := &fake{silent: []string{"0"}, fail: map[string]types.BatchResultErrorEntry{}}
	b := sqs.NewFake(strange{f})
	require.Error(t, port.ItemError(b.Send(t.Context(), messages(2)), 0))
	require.NoError(t, port.ItemError(b.Send(t.Context(), messages(2)), 1))
}

// strange answers with entries that nobody has sent.
type strange struct{ *fake }

func (s strange) SendMessageBatch(
	ctx context.Context, in *awssqs.SendMessageBatchInput, opts ...func(*awssqs.Options),
) (*awssqs.SendMessageBatchOutput, error) {
	out, err := s.fake.SendMessageBatch(ctx, in, opts...)
	out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: new("17")}, types.BatchResultErrorEntry{})
	return out, err
}

func TestBatchOverOneMebibyteIsSplit(t *testing.T) {
	t.Parallel()
	f := &fake{}
	msgs := messages(5)
	for i, size := range []int{600 << 10, 400 << 10, 24<<10 + 1, 1 << 20, 1} {
		msgs[i].Body = []byte(strings.Repeat("x", size))
	}
	require.NoError(t, sqs.NewFake(f).Send(t.Context(), msgs))
	var sent []string
	for _, call := range f.sends {
		size, ids := 0, ""
		for _, e := range call.Entries {
			size += len(*e.MessageBody)
			ids += *e.Id
		}
		require.LessOrEqual(t, size, 1<<20)
		sent = append(sent, ids)
	}
	require.Equal(t, []string{"01", "2", "3", "4"}, sent, "in order, each once")
}

func TestBadEntryThatFailsItsCallFailsAlone(t *testing.T) {
	t.Parallel()
	f := &fake{fail: map[string]types.BatchResultErrorEntry{"2": entryError("InvalidParameterValue", true)}}
	f.refuse = func(entries int) error {
		if entries > 1 {
			return &types.BatchRequestTooLong{}
		}
		return nil
	}
	err, ok := errors.AsType[port.ItemErrors](sqs.NewFake(f).Send(t.Context(), messages(4)))
	require.True(t, ok)
	require.Len(t, err, 1)
	require.ErrorIs(t, err[2], port.ErrInvalid)
	require.Len(t, f.sends, 5)
}

func TestSecondsAreRoundedUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int32{
		0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, 900*time.Second - 1: 900, 900 * time.Second: 900,
	} {
		f := &fake{}
		b := sqs.NewFake(f)
		msgs := messages(1)
		msgs[0].Delay = d
		require.NoError(t, b.Send(t.Context(), msgs))
		require.Equal(t, want, f.sends[0].Entries[0].DelaySeconds, "delay %v", d)
		require.NoError(t, b.Extend(t.Context(), leases(1, d)))
		require.Equal(t, want, f.extends[0].Entries[0].VisibilityTimeout, "lease %v", d)
	}
}

func TestWhatSQSRefusesIsRefusedBeforeTheWire(t *testing.T) {
	t.Parallel()
	f := &fake{}
	b := sqs.NewFake(f)
	for _, d := range []time.Duration{-1, 12*time.Hour + 1} {
		require.ErrorIs(t, b.Extend(t.Context(), leases(1, d)), port.ErrInvalid, "lease %v", d)
	}
	for _, d := range []time.Duration{-1, 15*time.Minute + 1} {
		require.ErrorIs(t, b.Send(t.Context(), []port.Message{{Body: []byte("x"), Delay: d}}), port.ErrInvalid, "delay %v", d)
	}
	for _, handle := range []any{nil, "", 17} {
		require.ErrorIs(t, b.Ack(t.Context(), []port.Delivery{{Handle: handle}}), port.ErrInvalid)
		require.ErrorIs(t, b.Extend(t.Context(), []port.Lease{{Delivery: port.Delivery{Handle: handle}}}), port.ErrInvalid)
	}
	for _, body := range []string{"", "\ufffe", "\uffff", "\x00", "\xff"} {
		require.ErrorIs(t, b.Send(t.Context(), []port.Message{{Body: []byte(body)}}), port.ErrInvalid, "body %q", body)
	}
	full := port.Message{Body: []byte(strings.Repeat("x", 1<<20-11)), Attributes: map[string]string{"name": "12"}}
	require.ErrorIs(t, b.Send(t.Context(), []port.Message{full}), port.ErrTooLarge, "a name, a type and a value")
	for _, group := range []string{"a b", "ü", strings.Repeat("g", 129)} {
		require.ErrorIs(t, b.Send(t.Context(), []port.Message{{Body: []byte("x"), Group: group}}), port.ErrInvalid)
	}
	require.Empty(t, f.sends)
	require.Empty(t, f.extends)
	require.Empty(t, f.acks)
	require.NoError(t, b.Extend(t.Context(), leases(1, 12*time.Hour)))
	require.EqualValues(t, 43200, f.extends[0].Entries[0].VisibilityTimeout)
}

func TestLimitsAreReadOnceAndHeld(t *testing.T) {
	t.Parallel()
	f := &fake{}
	b := sqs.NewFake(f, sqs.Lease(1500*time.Millisecond), sqs.PollWait(time.Hour))
	big := []port.Message{{Body: []byte(strings.Repeat("x", 2049))}}
	require.NoError(t, b.Send(t.Context(), big), "the queue's limit is not known yet")
	for range 2 {
		got, err := b.Limits(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Limits{
			MaxMessageBytes: 2048, MaxDelay: 15 * time.Minute, MaxReceives: 1000, Retention: 7 * 24 * time.Hour,
			Lease: 2 * time.Second, PollWait: time.Second,
		}, got)
	}
	require.Equal(t, 1, f.reads)
	require.ErrorIs(t, b.Send(t.Context(), big), port.ErrTooLarge)
}

// TestLeaseOutlastsThePoll: it counts from the beginning of the poll, and what comes at
// the poll's end has to have some of it left.
func TestLeaseOutlastsThePoll(t *testing.T) {
	t.Parallel()
	for lease := time.Second; lease <= time.Minute; lease += time.Second {
		limits, err := sqs.NewFake(&fake{}, sqs.PollWait(20*time.Second), sqs.Lease(lease)).Limits(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, limits.PollWait, max(limits.Lease*2/3, time.Second))
		require.GreaterOrEqual(t, limits.PollWait, min(limits.Lease/2, 20*time.Second).Truncate(time.Second), "nor is it shorter than it has to be")
		require.Equal(t, max(lease, 2*time.Second), limits.Lease)
	}
}

func TestRedrivePolicyIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]int{
		`{"maxReceiveCount":1000}`: 1000, `{"maxReceiveCount":"7"}`: 7, "": 0, "{}": 0, "no JSON": 0, `{"maxReceiveCount":null}`: 0,
	} {
		require.Equal(t, want, sqs.MaxReceives(policy), policy)
	}
}

func TestReceiveAsksForWhatADeliveryNeeds(t *testing.T) {
	t.Parallel()
	var in *awssqs.ReceiveMessageInput
	f := &fake{poll: func(_ context.Context, got *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
		in = got
		return noMessages, nil
	}}
	n, err := sqs.NewFake(f).Receive(t.Context(), make([]port.Delivery, 12))
	require.NoError(t, err)
	require.Zero(t, n)
	require.EqualValues(t, 10, in.MaxNumberOfMessages)
	require.EqualValues(t, 60, in.VisibilityTimeout, "the default lease")
	require.EqualValues(t, 20, in.WaitTimeSeconds, "the default poll wait")
	require.Equal(t, []string{"All"}, in.MessageAttributeNames)
	require.Contains(t, in.MessageSystemAttributeNames, types.MessageSystemAttributeNameApproximateReceiveCount)
	require.Contains(t, in.MessageSystemAttributeNames, types.MessageSystemAttributeNameSentTimestamp)
	require.Contains(t, in.MessageSystemAttributeNames, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)
	require.Contains(t, in.MessageSystemAttributeNames, types.MessageSystemAttributeNameDeadLetterQueueSourceArn)
	n, err = sqs.NewFake(f).Receive(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestMessagesOfOthersAreTolerated(t *testing.T) {
	t.Parallel()
	f := &fake{poll: func(context.Context, *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
		return &awssqs.ReceiveMessageOutput{Messages: []types.Message{{
			MessageId: new("id"), ReceiptHandle: new("handle"), Body: new("not ours"),
			Attributes: map[string]string{"ApproximateReceiveCount": "many"},
			MessageAttributes: map[string]types.MessageAttributeValue{
				"picture": {DataType: new("Binary"), BinaryValue: []byte{0xff}},
				"count":   {DataType: new("Number"), StringValue: new("17")},
				"odd":     {DataType: new("String.odd"), StringValue: new("text")},
			},
		}, {}}}, nil
	}}
	into := make([]port.Delivery, 1)
	n, err := sqs.NewFake(f).Receive(t.Context(), into)
	require.NoError(t, err)
	require.Equal(t, 1, n, "never more than there is room for")
	require.Equal(t, map[string]string{"count": "17", "odd": "text"}, into[0].Attributes)
	require.Zero(t, into[0].Receives)
	require.True(t, into[0].SentAt.IsZero())
}

// TestPollIsNotCancelled ends the caller's context while the poll is under way:
// Receive returns what the poll brings.
func TestPollIsNotCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, brought := range []int{0, 1} {
			ctx, cancel := context.WithCancel(t.Context())
			f := &fake{poll: func(poll context.Context, _ *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
				cancel()
				select {
				case <-poll.Done():
					return nil, poll.Err()
				case <-time.After(19 * time.Second):
				}
				return &awssqs.ReceiveMessageOutput{Messages: make([]types.Message, brought)}, nil
			}}
			start := time.Now()
			n, err := sqs.NewFake(f).Receive(ctx, make([]port.Delivery, 1))
			require.Equal(t, brought, n)
			if brought == 0 {
				require.ErrorIs(t, err, context.Canceled)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, 19*time.Second, time.Since(start))
			f.poll = nil // A call would panic.
			n, err = sqs.NewFake(f).Receive(ctx, make([]port.Delivery, 1))
			require.Zero(t, n)
			require.Equal(t, context.Canceled, err, "the context had ended before the call")
		}
	})
}

func TestPollThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{poll: func(poll context.Context, _ *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
			<-poll.Done()
			return nil, poll.Err()
		}}
		start := time.Now()
		_, err := sqs.NewFake(f).Receive(t.Context(), make([]port.Delivery, 1))
		requireClass(t, err, port.ErrUnavailable, "time-out")
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

func TestLeaseEndCountsFromBeforeTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := &fake{poll: func(context.Context, *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
			time.Sleep(7 * time.Second)
			return &awssqs.ReceiveMessageOutput{Messages: make([]types.Message, 1)}, nil
		}}
		into := make([]port.Delivery, 1)
		_, err := sqs.NewFake(f).Receive(t.Context(), into)
		require.NoError(t, err)
		require.Equal(t, start.Add(time.Minute), into[0].LeaseEnd)
	})
}

func TestReceiveIsNotRetried(t *testing.T) {
	t.Parallel()
	calls := 0
	b := over(func(*http.Request) (*http.Response, error) {
		calls++
		return errorAnswer(503, "ServiceUnavailable"), nil
	})
	_, err := b.Receive(t.Context(), make([]port.Delivery, 1))
	require.ErrorIs(t, err, port.ErrUnavailable)
	require.Equal(t, 1, calls)
	require.Error(t, b.Ack(t.Context(), deliveries(1)))
	require.Equal(t, 4, calls, "an Ack is")
}
