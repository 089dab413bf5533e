package convert

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
)

// DeadLetter returns a dead letter as it travels.
func DeadLetter(l *goflow.DeadLetter) *rpc.DeadLetter {
	return &rpc.DeadLetter{
		Id: text(l.ID), TaskType: text(l.Type), Generation: count(l.Generation), Reason: text(l.Reason), Error: text(l.Error),
		Attempts: count(l.Attempts), Receives: count(l.Receives), SentAt: moment(l.SentAt), DiedAt: moment(l.DiedAt),
		Unsettled: l.Unsettled, Body: l.Body, Attributes: texts(l.Attributes),
	}
}

func texts(from map[string]string) map[string]string {
	if from == nil {
		return nil
	}
	to := make(map[string]string, len(from))
	for k, v := range from {
		to[text(k)] = text(v)
	}
	return to
}

// FromDeadLetter returns the dead letter that l is.
func FromDeadLetter(l *rpc.DeadLetter) goflow.DeadLetter {
	return goflow.DeadLetter{
		ID: l.GetId(), Type: l.GetTaskType(), Generation: int(l.GetGeneration()), Reason: l.GetReason(), Error: l.GetError(),
		Attempts: int(l.GetAttempts()), Receives: int(l.GetReceives()), SentAt: instant(l.GetSentAt()), DiedAt: instant(l.GetDiedAt()),
		Unsettled: l.GetUnsettled(), Body: l.GetBody(), Attributes: l.GetAttributes(),
	}
}

// Filter returns a filter as it travels.
func Filter(f *goflow.DeadLetterFilter) *rpc.DeadLetterFilter {
	return &rpc.DeadLetterFilter{
		Ids: f.IDs, TaskType: f.Type, Reason: f.Reason, After: moment(f.After), Before: moment(f.Before), Limit: count(f.Limit),
	}
}

// FromFilter returns the filter that f is, or goflow.ErrInvalid for a bad time.
func FromFilter(f *rpc.DeadLetterFilter) (goflow.DeadLetterFilter, error) {
	for _, t := range []*timestamppb.Timestamp{f.GetAfter(), f.GetBefore()} {
		if t != nil && !t.IsValid() {
			return goflow.DeadLetterFilter{}, fmt.Errorf("goflow: %w filter of dead letters: after and before: %w", goflow.ErrInvalid, t.CheckValid())
		}
	}
	return goflow.DeadLetterFilter{
		IDs: f.GetIds(), Type: f.GetTaskType(), Reason: f.GetReason(),
		After: instant(f.GetAfter()), Before: instant(f.GetBefore()), Limit: int(f.GetLimit()),
	}, nil
}

// moment is nil for the zero time.
func moment(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
