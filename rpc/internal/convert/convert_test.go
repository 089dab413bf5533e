package convert_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

func TestPushComesBackAsItWas(t *testing.T) {
	t.Parallel()
	full := port.Push{
		ID: "id", Type: "type", Payload: []byte("1"), Headers: map[string]string{"a": "b"}, Queue: "queue",
		Delay: 1, ExpiresIn: 2, Track: true, UniqueKey: "key", UniqueFor: 3, Group: "group", FairKey: "fair",
		MaxAttempts: 4, Timeout: 5, BackoffBase: 6, BackoffCap: 7,
	}
	for _, chosen := range []bool{false, true} {
		full.Chosen = chosen
		got, err := convert.Push(convert.Task(&full))
		require.NoError(t, err)
		require.Equal(t, full, got)
	}
	for name, bad := range map[string]*rpc.Task{
		"two IDs":      {Id: "a", GeneratedId: "b"},
		"no key":       {Unique: &rpc.UniqueKey{}},
		"bad duration": {Delay: &durationpb.Duration{Seconds: 1, Nanos: -1}},
	} {
		_, err := convert.Push(bad)
		require.ErrorIs(t, err, port.ErrInvalid, name)
	}
}

func TestRecordComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for state := task.Unknown; state <= task.Expired; state++ {
		full := port.Record{ID: "id", State: state, Generation: 1, Attempts: 2, Result: []byte("3"), Error: "error", Reason: "reason"}
		require.Equal(t, full, convert.FromRecord(convert.Record(&full)))
	}
	require.Equal(t, task.Unknown, convert.FromRecord(&rpc.Record{}).State)
	require.Equal(t, task.Open, convert.FromRecord(&rpc.Record{State: 99}).State)
	for n, want := range map[int]int32{math.MaxInt: math.MaxInt32, math.MinInt: math.MinInt32} {
		require.Equal(t, want, convert.Record(&port.Record{Attempts: n}).GetAttempts())
	}
}

func TestDeadLetterAndFilterComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 2).UTC()
	letter := goflow.DeadLetter{
		ID: "id", Type: "type", Generation: 1, Reason: "reason", Error: "error", Attempts: 2, Receives: 3, SentAt: at, DiedAt: at,
		Unsettled: true, Body: []byte("body"), Attributes: map[string]string{"a": "b"},
	}
	require.Equal(t, letter, convert.FromDeadLetter(convert.DeadLetter(&letter)))
	for _, filter := range []goflow.DeadLetterFilter{{}, {IDs: []string{"a"}, Type: "type", Reason: "reason", After: at, Before: at, Limit: 1}} {
		got, err := convert.FromFilter(convert.Filter(&filter))
		require.NoError(t, err)
		require.Equal(t, filter, got)
	}
}

func TestWhatIsNoUTF8SpoilsNoMessage(t *testing.T) {
	t.Parallel()
	const bad = "a\xffb"
	for _, message := range []proto.Message{
		convert.Record(&port.Record{Error: bad, Reason: bad}),
		convert.Error(errors.New(bad)),
		convert.DeadLetter(&goflow.DeadLetter{ID: bad, Type: bad, Reason: bad, Error: bad, Attributes: map[string]string{bad: bad}}),
	} {
		_, err := proto.Marshal(message)
		require.NoError(t, err)
	}
	require.Equal(t, "a\uFFFDb", convert.Record(&port.Record{Error: bad}).GetError())
}

func TestErrorsKeepTheirSort(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{
		port.ErrInvalid, port.ErrTooLarge, port.ErrUnavailable, port.ErrRefused, port.ErrClosed, port.ErrAmbiguous, port.ErrFinished,
		port.ErrClaimed, goflow.ErrDuplicateTask, goflow.ErrNotUnique, goflow.ErrNotFound,
	} {
		err := fmt.Errorf("goflow: push x: %w", kind)
		require.ErrorIs(t, convert.FromError(convert.Error(err), ""), kind)
		require.EqualError(t, convert.FromError(convert.Error(err), ""), err.Error())
		require.ErrorIs(t, convert.FromStatus(convert.Status(err)), kind)
		require.NotEqual(t, codes.OK, status.Code(convert.Status(err)))
	}
	require.ErrorIs(t, convert.FromError(&rpc.Error{Reason: 99}, ""), port.ErrAmbiguous)
	require.NoError(t, convert.FromStatus(errors.New("not ours")))
	require.Equal(t, codes.DeadlineExceeded, status.Code(convert.Status(context.DeadlineExceeded)))

	var unique *goflow.NotUniqueError
	taken := &goflow.NotUniqueError{Key: "key", OwnerID: "owner"}
	require.ErrorAs(t, convert.FromError(convert.Error(taken), "key"), &unique)
	require.Equal(t, taken, unique)
	require.ErrorAs(t, convert.FromStatus(convert.Status(taken)), &unique)
	require.Equal(t, "owner", unique.OwnerID)
	require.Nil(t, convert.Error(nil))
	require.NoError(t, convert.FromError(nil, ""))
}
