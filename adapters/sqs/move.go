package sqs

import (
	"context"
	"errors"
	"fmt"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// MaxMovesPerSecond is the fastest that SQS moves messages when it is told how
// fast.
const MaxMovesPerSecond = 500

// ErrMoveCancelled means that somebody cancelled the move before it was complete.
var ErrMoveCancelled = errors.New("the move was cancelled")

// moveAPI is what moving calls.
type moveAPI interface {
	GetQueueAttributes(context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
	StartMessageMoveTask(context.Context, *awssqs.StartMessageMoveTaskInput, ...func(*awssqs.Options)) (*awssqs.StartMessageMoveTaskOutput, error)
	ListMessageMoveTasks(context.Context, *awssqs.ListMessageMoveTasksInput, ...func(*awssqs.Options)) (*awssqs.ListMessageMoveTasksOutput, error)
	CancelMessageMoveTask(context.Context, *awssqs.CancelMessageMoveTaskInput, ...func(*awssqs.Options)) (*awssqs.CancelMessageMoveTaskOutput, error)
}

// MoveInput says what to move.
type MoveInput struct {
	From string // URL of a dead-letter queue that a queue's redrive policy names
	To   string // URL of the queue that gets the messages
	// PerSecond is 1 to 500 messages; 0 leaves the speed to SQS.
	PerSecond int
	// Progress is called with each look at the move, about once a second; nil:
	// nobody looks.
	Progress func(MoveStatus)
}

// MoveStatus is how far a move is, as SQS estimates it.
type MoveStatus struct {
	Moved, Total int64
	State        string // RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED
	Found        bool   // the move was under way already
}

// Move lets SQS move all messages of a dead-letter queue and returns when they
// are moved. SQS runs one move per queue at a time: one that is under way to
// the same place is watched to its end instead, whatever its speed. When ctx
// ends, Move returns its error and SQS goes on: call Move again to watch, or
// [CancelMove]. Moved messages are new ones to SQS, with another message ID.
//
// It always names the destination: SQS does not know where a message that was
// sent to the dead-letter queue came from. Errors: ErrInvalid for a bad input, or
// a queue that is no dead-letter queue; ErrRefused for missing queues and
// permissions, and for a move under way to another place; ErrUnavailable;
// ErrMoveCancelled.
func Move(ctx context.Context, client *awssqs.Client, in MoveInput) (MoveStatus, error) {
	return move(ctx, client, in)
}

// CancelMove ends the move that is under way from the queue with this URL and
// returns how many messages it had moved. ErrInvalid: there is none.
func CancelMove(ctx context.Context, client *awssqs.Client, from string) (int64, error) {
	return cancelMove(ctx, client, from)
}

func move(ctx context.Context, api moveAPI, in MoveInput) (MoveStatus, error) {
	at := moveOf(in.From)
	switch {
	case in.PerSecond < 0 || in.PerSecond > MaxMovesPerSecond:
		return MoveStatus{}, at.fail(port.ErrInvalid, nil, fmt.Sprintf("%d messages a second: give 1 to %d, or 0 for its own speed",
			in.PerSecond, MaxMovesPerSecond))
	case in.From == in.To:
		return MoveStatus{}, at.fail(port.ErrInvalid, nil, "the dead-letter queue and the queue are the same")
	}
	m, err := newMover(ctx, api, in)
	if err != nil {
		return MoveStatus{}, err
	}
	if err := m.begin(ctx); err != nil {
		return MoveStatus{}, err
	}
	return m.watch(ctx)
}
