package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// faultyMoves fails the nth call of a name, from 1.
type faultyMoves struct {
	*fakeMoves
	name string
	nth  int
	made map[string]int
}

func (f *faultyMoves) fails(name string) error {
	if f.made == nil {
		f.made = map[string]int{}
	}
	if f.made[name]++; name == f.name && f.made[name] >= f.nth {
		return &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	}
	return nil
}

func (f *faultyMoves) GetQueueAttributes(
	ctx context.Context, in *awssqs.GetQueueAttributesInput, opts ...func(*awssqs.Options),
) (*awssqs.GetQueueAttributesOutput, error) {
	if err := f.fails("read"); err != nil {
		return nil, err
	}
	return f.fakeMoves.GetQueueAttributes(ctx, in, opts...)
}

func (f *faultyMoves) StartMessageMoveTask(
	ctx context.Context, in *awssqs.StartMessageMoveTaskInput, opts ...func(*awssqs.Options),
) (*awssqs.StartMessageMoveTaskOutput, error) {
	if err := f.fails("start"); err != nil {
		return nil, err
	}
	return f.fakeMoves.StartMessageMoveTask(ctx, in, opts...)
}

func (f *faultyMoves) ListMessageMoveTasks(
	ctx context.Context, in *awssqs.ListMessageMoveTasksInput, opts ...func(*awssqs.Options),
) (*awssqs.ListMessageMoveTasksOutput, error) {
	if err := f.fails("list"); err != nil {
		return nil, err
	}
	return f.fakeMoves.ListMessageMoveTasks(ctx, in, opts...)
}

func (f *faultyMoves) CancelMessageMoveTask(
	ctx context.Context, in *awssqs.CancelMessageMoveTaskInput, opts ...func(*awssqs.Options),
) (*awssqs.CancelMessageMoveTaskOutput, error) {
	if err := f.fails("cancel"); err != nil {
		return nil, err
	}
	return f.fakeMoves.CancelMessageMoveTask(ctx, in, opts...)
}

func TestMoveThatFails(t *testing.T) {
	t.Parallel()
	const moving = "allow sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks and sqs:CancelMessageMoveTask on the queue"
	for name, c := range map[string]struct {
		call    string
		nth     int
		want    string
		started int
	}{
		"at the dead letters": {"read", 1, "read attributes of dead: refused: AccessDenied: no; allow sqs:GetQueueAttributes", 0},
		"at the queue":        {"read", 2, "read attributes of tasks: refused: AccessDenied: no; allow sqs:GetQueueAttributes", 0},
		"at the first look":   {"list", 1, "move all of dead: refused: AccessDenied: no; " + moving, 0},
		"at the start":        {"start", 1, "move all of dead: refused: AccessDenied: no; " + moving, 0},
		"on the way":          {"list", 3, "move all of dead: refused: AccessDenied: no; " + moving, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &faultyMoves{name: c.call, nth: c.nth, fakeMoves: &fakeMoves{looks: []*types.ListMessageMoveTasksResultEntry{nil, look(5, "RUNNING", 3)}}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				status, err := sqs.MoveBy(ctx, f, sqs.MoveInput{From: deadURL, To: testURL})
				requireClass(t, err, port.ErrRefused, name)
				require.ErrorContains(t, err, c.want)
				require.Len(t, f.started, c.started)
				require.EqualValues(t, 3*c.started, status.Moved, "what is known of a move that goes on")
			})
		})
	}
}

func TestCancelMoveThatFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"read", "list", "cancel"} {
		f := &faultyMoves{name: call, nth: 1, fakeMoves: &fakeMoves{looks: []*types.ListMessageMoveTasksResultEntry{look(5, "RUNNING", 3)}}}
		moved, err := sqs.CancelMoveBy(t.Context(), f, deadURL)
		requireClass(t, err, port.ErrRefused, call)
		require.Zero(t, moved)
		require.Empty(t, f.cancelled)
	}
}

// TestMovesGoByTheRealClient: what is exported is what the tests of fakes test.
func TestMovesGoByTheRealClient(t *testing.T) {
	t.Parallel()
	client := clientOver(refusal(403, "AccessDenied"))
	_, err := sqs.Move(t.Context(), client, sqs.MoveInput{From: deadURL, To: testURL})
	requireClass(t, err, port.ErrRefused, "Move")
	_, err = sqs.CancelMove(t.Context(), client, deadURL)
	requireClass(t, err, port.ErrRefused, "CancelMove")
}

// TestWhatAFIFOQueueRefusesIsRefusedBeforeTheWire, and only that message.
func TestWhatAFIFOQueueRefusesIsRefusedBeforeTheWire(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]port.Message{
		"delay":    {ID: "id-1", Body: []byte("x"), Delay: time.Second},
		"no ID":    {Body: []byte("x")},
		"long ID":  {ID: strings.Repeat("i", 129), Body: []byte("x")},
		"blank ID": {ID: "a b", Body: []byte("x")},
	} {
		f := &fake{}
		err := sqs.NewFakeFIFO(f).Send(t.Context(), []port.Message{{ID: "id-0", Body: []byte("x")}, bad})
		requireClass(t, port.ItemError(err, 1), port.ErrInvalid, name)
		require.NoError(t, port.ItemError(err, 0), name)
		require.Len(t, f.sends[0].Entries, 1)
	}
}

// TestFIFOBatchOfSeveralRequestsGoesOn as long as each is taken as a whole.
func TestFIFOBatchOfSeveralRequestsGoesOn(t *testing.T) {
	t.Parallel()
	f := &fake{}
	msgs := make([]port.Message, 3)
	for i := range msgs {
		msgs[i] = port.Message{ID: fmt.Sprint("id-", i), Body: []byte(strings.Repeat("x", 600<<10)), Group: "g"}
	}
	require.NoError(t, sqs.NewFakeFIFO(f).Send(t.Context(), msgs))
	require.Len(t, f.sends, 3)
}

func TestAttributesGoWithTheirMessage(t *testing.T) {
	t.Parallel()
	f := &fake{}
	require.NoError(t, sqs.NewFake(f).Send(t.Context(), []port.Message{{Body: []byte("x"), Attributes: map[string]string{"goflow-dead": "{}", "b": "2"}}}))
	got := map[string]string{}
	for name, value := range f.sends[0].Entries[0].MessageAttributes {
		require.Equal(t, "String", *value.DataType)
		got[name] = *value.StringValue
	}
	require.Equal(t, map[string]string{"goflow-dead": "{}", "b": "2"}, got, "each its own value")
	eleven := map[string]string{}
	for i := range 11 {
		eleven[fmt.Sprint("a", i)] = "x"
	}
	for name, attributes := range map[string]map[string]string{
		"eleven": eleven, "no name": {"": "x"}, "a blank": {"a b": "x"}, "an umlaut": {"ä": "x"}, "a long name": {strings.Repeat("a", 257): "x"},
		"no value": {"a": ""}, "no text": {"a": "\x00"},
	} {
		f := &fake{}
		err := sqs.NewFake(f).Send(t.Context(), []port.Message{{Body: []byte("x"), Attributes: attributes}})
		requireClass(t, port.ItemError(err, 0), port.ErrInvalid, name)
		require.Empty(t, f.sends, name)
	}
}

func TestDeliveryIsReadWhole(t *testing.T) {
	t.Parallel()
	f := &fake{poll: func(context.Context, *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error) {
		return &awssqs.ReceiveMessageOutput{Messages: []types.Message{{
			MessageId: new("id"), ReceiptHandle: new("handle"), Body: new("body"),
			Attributes: map[string]string{
				"ApproximateReceiveCount": "3", "SentTimestamp": "1700000000123", "ApproximateFirstReceiveTimestamp": "1700000004567", "MessageGroupId": "g",
				"DeadLetterQueueSourceArn": "arn:aws:sqs:eu-central-1:210987654321:orders",
			},
		}}}, nil
	}}
	into := make([]port.Delivery, 1)
	_, err := sqs.NewFake(f).Receive(t.Context(), into)
	require.NoError(t, err)
	d := into[0]
	require.Equal(t, port.Message{ID: "id", Body: []byte("body"), Group: "g"}, d.Message)
	require.True(t, d.Moved)
	require.Equal(t, []any{3, "handle", int64(1700000000123), int64(1700000004567)},
		[]any{d.Receives, d.Handle, d.SentAt.UnixMilli(), d.FirstReceivedAt.UnixMilli()})
}

// TestWrongClockIsNoRefusal: the SDK learns how wrong it is, so a worker that
// comes again works.
func TestWrongClockIsNoRefusal(t *testing.T) {
	t.Parallel()
	b := over(func(r *http.Request) (*http.Response, error) {
		now := time.Now().Add(time.Hour) // the service's
		answer := jsonAnswer(200, `{}`)
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			return nil, err
		}
		if now.Sub(signed).Abs() > 15*time.Minute {
			answer = errorAnswer(403, "RequestTimeTooSkewed")
		}
		answer.Header.Set("Date", now.UTC().Format(http.TimeFormat))
		return answer, nil
	})
	_, err := b.Receive(t.Context(), make([]port.Delivery, 1))
	requireClass(t, err, port.ErrUnavailable, "the first call, which is not retried")
	_, err = b.Receive(t.Context(), make([]port.Delivery, 1))
	require.NoError(t, err)
}

// TestCredentialsThatCannotBeFetchedNow are no reason to stop for ever: with the
// network comes the service that gives them.
func TestCredentialsThatCannotBeFetchedNow(t *testing.T) {
	t.Parallel()
	unreachable := &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRoleWithWebIdentity", Err: &smithyhttp.RequestSendError{
		Err: &url.Error{Op: "Post", URL: "https://sts.test/", Err: &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}},
	}}
	b := over(broken(errors.New("nothing should be sent")), func(o *awssqs.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, unreachable })
	})
	_, err := b.Receive(t.Context(), make([]port.Delivery, 1))
	requireClass(t, err, port.ErrUnavailable, "Receive")
	require.ErrorContains(t, err, "no answer from https://sts.test: ")
	requireClass(t, port.ItemError(b.Send(t.Context(), messages(1)), 0), port.ErrUnavailable, "nothing was sent, so there is no doubt")
}
