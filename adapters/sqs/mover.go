package sqs

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	lookPause   = time.Second // between two looks at a move
	maxUnlisted = 60          // looks that do not see the move that was started
)

// The states of a move.
const (
	stateRunning    = "RUNNING"
	stateCompleted  = "COMPLETED"
	stateCancelling = "CANCELLING"
	stateCancelled  = "CANCELLED"
)

// mover moves messages from one queue.
type mover struct {
	api    moveAPI
	at     site
	arn    string // of the dead-letter queue
	in     MoveInput
	found  bool  // the move was under way already
	before int64 // when the last move before ours was started
}

func moveOf(from string) site { return site{op: opMove, queue: path.Base(from)} }

func newMover(ctx context.Context, api moveAPI, in MoveInput) (m *mover, err error) {
	m = &mover{api: api, in: in, at: moveOf(in.From)}
	m.arn, err = m.arnOf(ctx, in.From)
	return m, err
}

// begin starts a move unless one is under way.
func (m *mover) begin(ctx context.Context) error {
	to, err := m.arnOf(ctx, m.in.To)
	if err != nil {
		return err
	}
	last, err := m.last(ctx)
	if err != nil {
		return err
	}
	if under(last) {
		m.found = true
		if aws.ToString(last.DestinationArn) != to {
			return m.at.fail(port.ErrRefused, nil, "another move is under way, to "+
				destination(last.DestinationArn)+": wait for its end, or cancel it")
		}
		return nil
	}
	if last != nil {
		m.before = last.StartedTimestamp
	}
	in := &awssqs.StartMessageMoveTaskInput{SourceArn: &m.arn, DestinationArn: &to}
	if m.in.PerSecond > 0 {
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(m.in.PerSecond)) //nolint:gosec // at most 500
	}
	w := &wire{}
	if _, err := m.api.StartMessageMoveTask(ctx, in, w.watch); err != nil {
		return m.at.callFailed(ctx, err, w)
	}
	return nil
}

// watch looks at the move until it ends.
func (m *mover) watch(ctx context.Context) (MoveStatus, error) {
	status := MoveStatus{Found: m.found, State: stateRunning}
	for looks := 1; ; looks++ {
		last, err := m.last(ctx)
		switch {
		case err != nil:
			return status, err
		case last != nil && last.StartedTimestamp != m.before:
			status = m.look(last)
			if !under(last) {
				return status, m.outcome(last)
			}
		case looks == maxUnlisted:
			return status, m.at.fail(port.ErrUnavailable, nil, "SQS does not list the move that it has started: look again later")
		}
		if !rest(ctx) {
			return status, ctx.Err()
		}
	}
}

// look reads a move and reports it.
func (m *mover) look(last *types.ListMessageMoveTasksResultEntry) MoveStatus {
	status := MoveStatus{
		Found: m.found, State: aws.ToString(last.Status), Moved: last.ApproximateNumberOfMessagesMoved,
		Total: max(aws.ToInt64(last.ApproximateNumberOfMessagesToMove), last.ApproximateNumberOfMessagesMoved),
	}
	if m.in.Progress != nil {
		m.in.Progress(status)
	}
	return status
}

// rest waits until the next look and tells whether ctx lasts that long.
func rest(ctx context.Context) bool {
	pause := time.NewTimer(lookPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-pause.C:
		return true
	}
}

// under reports whether a move is under way.
func under(last *types.ListMessageMoveTasksResultEntry) bool {
	return last != nil && (aws.ToString(last.Status) == stateRunning || aws.ToString(last.Status) == stateCancelling)
}

// outcome is the error of a move that has ended.
func (m *mover) outcome(last *types.ListMessageMoveTasksResultEntry) error {
	switch aws.ToString(last.Status) {
	case stateCompleted:
		return nil
	case stateCancelled:
		return m.at.fail(ErrMoveCancelled, nil, fmt.Sprintf("%d were moved before", last.ApproximateNumberOfMessagesMoved))
	}
	reason := aws.ToString(last.FailureReason)
	class := dialect().ClassOfCode(dialect().Bare(reason))
	if class == nil {
		class = port.ErrRefused
	}
	return m.at.fail(class, nil, fmt.Sprintf("SQS gave up after %d: %s", last.ApproximateNumberOfMessagesMoved, reason))
}

// last returns the latest move from the queue, nil if there never was one.
func (m *mover) last(ctx context.Context) (*types.ListMessageMoveTasksResultEntry, error) {
	w := &wire{}
	out, err := m.api.ListMessageMoveTasks(ctx, &awssqs.ListMessageMoveTasksInput{SourceArn: &m.arn}, w.watch)
	if err != nil {
		return nil, m.at.callFailed(ctx, err, w)
	}
	if len(out.Results) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return &out.Results[0], nil
}

func (m *mover) arnOf(ctx context.Context, queueURL string) (string, error) {
	w := &wire{}
	out, err := m.api.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	}, w.watch)
	if err != nil {
		return "", site{op: opRead, queue: path.Base(queueURL)}.callFailed(ctx, err, w)
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}

// destination names the queue that a move goes to.
func destination(arn *string) string {
	if arn == nil {
		return "the queues that the messages came from"
	}
	return (*arn)[strings.LastIndexByte(*arn, ':')+1:]
}

func cancelMove(ctx context.Context, api moveAPI, from string) (int64, error) {
	m, err := newMover(ctx, api, MoveInput{From: from})
	if err != nil {
		return 0, err
	}
	last, err := m.last(ctx)
	if err != nil {
		return 0, err
	}
	if !under(last) || last.TaskHandle == nil {
		return 0, m.at.fail(port.ErrInvalid, nil, "no move is under way that could be cancelled")
	}
	w := &wire{}
	out, err := m.api.CancelMessageMoveTask(ctx, &awssqs.CancelMessageMoveTaskInput{TaskHandle: last.TaskHandle}, w.watch)
	if err != nil {
		return 0, m.at.callFailed(ctx, err, w)
	}
	return out.ApproximateNumberOfMessagesMoved, nil
}
