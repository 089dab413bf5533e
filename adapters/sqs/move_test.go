package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

const (
	deadURL  = "http://sqs.test/000000000000/dead"
	deadARN  = "arn:aws:sqs:us-east-1:000000000000:dead"
	tasksARN = "arn:aws:sqs:us-east-1:000000000000:tasks"
)

// fakeMoves answers looks one by one; the last answer stays.
type fakeMoves struct {
	sqs.MoveAPI

	looks     []*types.ListMessageMoveTasksResultEntry // nil: none is listed
	looked    int
	started   []*awssqs.StartMessageMoveTaskInput
	cancelled []string
}

func (f *fakeMoves) GetQueueAttributes(
	_ context.Context, in *awssqs.GetQueueAttributesInput, _ ...func(*awssqs.Options),
) (*awssqs.GetQueueAttributesOutput, error) {
	arn := map[string]string{deadURL: deadARN, testURL: tasksARN}[*in.QueueUrl]
	return &awssqs.GetQueueAttributesOutput{Attributes: map[string]string{"QueueArn": arn}}, nil
}

func (f *fakeMoves) StartMessageMoveTask(
	_ context.Context, in *awssqs.StartMessageMoveTaskInput, _ ...func(*awssqs.Options),
) (*awssqs.StartMessageMoveTaskOutput, error) {
	f.started = append(f.started, in)
	return &awssqs.StartMessageMoveTaskOutput{TaskHandle: new("handle")}, nil
}

func (f *fakeMoves) ListMessageMoveTasks(
	_ context.Context, in *awssqs.ListMessageMoveTasksInput, _ ...func(*awssqs.Options),
) (*awssqs.ListMessageMoveTasksOutput, error) {
	if *in.SourceArn != deadARN {
		return nil, fmt.Errorf("asked for the moves of %s", *in.SourceArn)
	}
	look := f.looks[min(f.looked, len(f.looks)-1)]
	f.looked++
	out := &awssqs.ListMessageMoveTasksOutput{}
	if look != nil {
		out.Results = append(out.Results, *look)
	}
	return out, nil
}

func (f *fakeMoves) CancelMessageMoveTask(
	_ context.Context, in *awssqs.CancelMessageMoveTaskInput, _ ...func(*awssqs.Options),
) (*awssqs.CancelMessageMoveTaskOutput, error) {
	f.cancelled = append(f.cancelled, *in.TaskHandle)
	return &awssqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: 17}, nil
}

// look is a move that was started at a time, of ten messages.
func look(started int64, status string, moved int64) *types.ListMessageMoveTasksResultEntry {
	l := &types.ListMessageMoveTasksResultEntry{
		StartedTimestamp: started, Status: &status, SourceArn: new(deadARN), DestinationArn: new(tasksARN),
		ApproximateNumberOfMessagesMoved: moved, ApproximateNumberOfMessagesToMove: new(int64(10)),
	}
	if status == "RUNNING" {
		l.TaskHandle = new("handle")
	}
	return l
}

func to(arn *string, l *types.ListMessageMoveTasksResultEntry) *types.ListMessageMoveTasksResultEntry {
	l.DestinationArn = arn
	return l
}

func because(reason string, l *types.ListMessageMoveTasksResultEntry) *types.ListMessageMoveTasksResultEntry {
	l.FailureReason = &reason
	return l
}

func TestMove(t *testing.T) {
	t.Parallel()
	type looks = []*types.ListMessageMoveTasksResultEntry
	for name, test := range map[string]struct {
		looks   looks
		moved   []int64 // as it is reported
		started int
		err     error
	}{
		"first":                {looks{nil, look(5, "RUNNING", 3), look(5, "COMPLETED", 10)}, []int64{3, 10}, 1, nil},
		"ours not listed yet":  {looks{look(4, "COMPLETED", 9), look(4, "COMPLETED", 9), look(5, "COMPLETED", 10)}, []int64{10}, 1, nil},
		"one is under way":     {looks{look(4, "RUNNING", 3), look(4, "RUNNING", 6), look(4, "COMPLETED", 10)}, []int64{6, 10}, 0, nil},
		"one to another queue": {looks{to(new("arn:aws:sqs:r:a:other"), look(4, "RUNNING", 3))}, nil, 0, port.ErrRefused},
		"one to the sources":   {looks{to(nil, look(4, "RUNNING", 3))}, nil, 0, port.ErrRefused},
		"one being cancelled":  {looks{look(4, "CANCELLING", 3), look(4, "CANCELLED", 4)}, []int64{4}, 0, sqs.ErrMoveCancelled},
		"forbidden":            {looks{nil, because("AccessDenied", look(5, "FAILED", 3))}, []int64{3}, 1, port.ErrRefused},
		"unknown failure":      {looks{nil, because("CouldNotDetermineMessageSource", look(5, "FAILED", 0))}, []int64{0}, 1, port.ErrRefused},
		"never listed":         {looks{nil}, nil, 1, port.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeMoves{looks: test.looks}
				var moved []int64
				status, err := sqs.MoveBy(t.Context(), f, sqs.MoveInput{
					From: deadURL, To: testURL, PerSecond: 7,
					Progress: func(s sqs.MoveStatus) {
						require.Equal(t, int64(10), s.Total)
						require.Equal(t, test.started == 0, s.Found)
						moved = append(moved, s.Moved)
					},
				})
				require.Equal(t, test.moved, moved)
				require.Len(t, f.started, test.started)
				for _, in := range f.started {
					require.Equal(t, []any{deadARN, tasksARN, int32(7)}, []any{*in.SourceArn, *in.DestinationArn, *in.MaxNumberOfMessagesPerSecond})
				}
				if test.err == nil {
					require.NoError(t, err)
					require.Equal(t, "COMPLETED", status.State)
					return
				}
				requireClass(t, err, test.err, name)
			})
		})
	}
}

func TestMoveGoesOnWithoutItsWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeMoves{looks: []*types.ListMessageMoveTasksResultEntry{nil, look(5, "RUNNING", 3)}}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		status, err := sqs.MoveBy(ctx, f, sqs.MoveInput{From: deadURL, To: testURL})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, int64(3), status.Moved)
		require.Nil(t, f.started[0].MaxNumberOfMessagesPerSecond, "SQS chooses the speed")
		require.Empty(t, f.cancelled)
		require.InDelta(t, 90, f.looked, 2, "one look a second")
	})
}

func TestBadMoves(t *testing.T) {
	t.Parallel()
	for _, in := range []sqs.MoveInput{
		{From: deadURL, To: testURL, PerSecond: 501}, {From: deadURL, To: testURL, PerSecond: -1}, {From: deadURL, To: deadURL},
	} {
		f := &fakeMoves{looks: []*types.ListMessageMoveTasksResultEntry{nil}}
		_, err := sqs.MoveBy(t.Context(), f, in)
		requireClass(t, err, port.ErrInvalid, "move")
		require.Empty(t, f.started)
	}
}

func TestCancelMove(t *testing.T) {
	t.Parallel()
	f := &fakeMoves{looks: []*types.ListMessageMoveTasksResultEntry{look(5, "RUNNING", 3), look(5, "COMPLETED", 10)}}
	moved, err := sqs.CancelMoveBy(t.Context(), f, deadURL)
	require.NoError(t, err)
	require.Equal(t, int64(17), moved)
	require.Equal(t, []string{"handle"}, f.cancelled)
	_, err = sqs.CancelMoveBy(t.Context(), f, deadURL)
	requireClass(t, err, port.ErrInvalid, "none is under way")
}

func TestMoveOnLocalStack(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.Config(t))
	dead := open(t, client, goflowtest.BrokerOptions{Lease: time.Minute, PollWait: time.Second})
	queue := open(t, client, goflowtest.BrokerOptions{Lease: time.Minute, PollWait: time.Second, DeadLetter: dead, MaxReceives: 9})
	in := sqs.MoveInput{From: dead.QueueURL(), To: queue.QueueURL()}
	msgs := messages(3)
	for i := range msgs {
		msgs[i].Attributes = map[string]string{"goflow-dead": "{}"}
	}
	require.NoError(t, dead.Send(t.Context(), msgs)) // by us: they have no source
	status, err := sqs.Move(t.Context(), client, in)
	require.NoError(t, err)
	require.Equal(t, []any{int64(3), "COMPLETED", false}, []any{status.Moved, status.State, status.Found})
	into := make([]port.Delivery, 10)
	n, err := queue.Receive(t.Context(), into)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, msgs[0].Attributes, into[0].Attributes)

	require.NoError(t, dead.Send(t.Context(), messages(10)))
	in.PerSecond = 1
	in.Progress = func(s sqs.MoveStatus) {
		if s.State != "RUNNING" {
			return
		}
		if _, err := sqs.CancelMove(t.Context(), client, in.From); err != nil && !errors.Is(err, port.ErrInvalid) {
			require.NoError(t, err)
		}
	}
	status, err = sqs.Move(t.Context(), client, in)
	require.ErrorIs(t, err, sqs.ErrMoveCancelled)
	require.Less(t, status.Moved, int64(10))
	in.From, in.To = in.To, in.From
	_, err = sqs.Move(t.Context(), client, in)
	require.ErrorIs(t, err, port.ErrInvalid, "it is nobody's dead-letter queue")
}
