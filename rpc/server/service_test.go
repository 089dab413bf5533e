package server_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

const (
	id1     = "0198c0de-0000-7000-8000-000000000001"
	id2     = "ffffffff-0000-4000-8000-000000000002" // does not say how old it is
	ancient = "00000000-0001-7000-8000-000000000001" // made in 1970
)

// work runs a worker until the test ends. A task of type fail is dead at once.
func (w *world) work() {
	w.Helper()
	mux := goflow.NewMux()
	goflow.NewJob[string, string]("echo").Handle(mux, func(_ context.Context, s string) (string, error) { return s, nil })
	goflow.NewJob[string, string]("fail").Handle(mux, func(_ context.Context, s string) (string, error) {
		return "", goflow.Permanent(errors.New(s))
	})
	worker, err := goflow.NewWorker(w.broker, w.records, mux, goflow.DeadLetters(w.dead))
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		require.NoError(w, <-done)
	})
}

func TestTaskFromPushToResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("all")
	good, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: `"hello"`})
	require.NoError(t, err)
	bad, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "fail", Payload: `"no"`})
	require.NoError(t, err)

	pending, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: good.GetId()})
	require.NoError(t, err, "what is not finished is not NOT_FOUND")
	require.Equal(t, rpc.State_STATE_UNKNOWN, pending.GetState())
	require.Empty(t, pending.GetResult()+pending.GetErrMsg())

	w.work()
	waited, err := client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: good.GetId()})
	require.NoError(t, err)
	require.Equal(t, rpc.State_STATE_DONE, waited.GetRecord().GetState())
	got, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: strings.ToUpper(good.GetId())})
	require.NoError(t, err)
	require.Equal(t, `"hello"`, got.GetResult())
	_, err = client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: bad.GetId()})
	require.NoError(t, err)
	got, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: bad.GetId()})
	require.NoError(t, err)
	require.Equal(t, "no", got.GetErrMsg())
	require.Equal(t, rpc.State_STATE_DEAD, got.GetState())
}

func TestPushTaskWantsJSON(t *testing.T) {
	t.Parallel()
	client, ctx := newWorld(t).serve().as("push")
	for _, payload := range []string{"", "hello", "{", `{"a":1} x`, "NaN"} {
		_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: payload})
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
	}
	_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "", Payload: "1"})
	requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
	_, err = client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: `"` + strings.Repeat("x", 1<<20) + `"`})
	requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_TOO_LARGE)
}

func TestPushTasksTellsOfEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("all")
	got, err := client.PushTasks(ctx, &rpc.PushTasksRequest{Tasks: []*rpc.Task{
		{TaskType: "echo"},
		{TaskType: "no type"},
		{TaskType: "echo", Id: id2, Payload: []byte("1")},
		{TaskType: "echo", Id: id1, GeneratedId: id2},
		{TaskType: "echo", GeneratedId: id1, Delay: durationpb.New(-1)},
		{TaskType: "echo", GeneratedId: id1, Payload: []byte("{")},
	}})
	require.NoError(t, err)
	var reasons []rpc.Reason
	for _, r := range got.GetResults() {
		reasons = append(reasons, r.GetError().GetReason())
	}
	const bad = rpc.Reason_REASON_INVALID
	require.Equal(t, []rpc.Reason{0, bad, 0, bad, bad, bad}, reasons)
	require.NotEmpty(t, got.GetResults()[0].GetId())
	require.Equal(t, id2, got.GetResults()[2].GetId())
	size, err := w.broker.Size(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, size.Waiting)

	got, err = client.PushTasks(ctx, &rpc.PushTasksRequest{Tasks: []*rpc.Task{{TaskType: "other", Id: id2}}})
	require.NoError(t, err)
	require.Equal(t, rpc.Reason_REASON_DUPLICATE_TASK, got.GetResults()[0].GetError().GetReason())

	for _, n := range []int{0, port.MaxPushes + 1} {
		_, err = client.PushTasks(ctx, &rpc.PushTasksRequest{Tasks: make([]*rpc.Task, n)})
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
		require.Contains(t, status.Convert(err).Message(), fmt.Sprintf("push of %d tasks: give 1 to 100", n))
	}
}

// TestGroupWaitsForATaskThatIsRefused: tasks are "in the order that their groups keep". Behind one that is refused none
// of its group is queued, whatever it is refused for.
func TestGroupWaitsForATaskThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]*rpc.Task{
		"ByTheCore":   {TaskType: "no type", Group: "g"},
		"ByTheServer": {TaskType: "echo", Group: "g", Id: id1, GeneratedId: id2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.broker = memory.NewBroker(memory.Ordered(), memory.PollWait(time.Second))
			var err error
			w.client, err = goflow.NewClient(w.broker, w.records)
			require.NoError(t, err)
			client, ctx := w.serve().as("push")
			answer, err := client.PushTasks(ctx, &rpc.PushTasksRequest{Tasks: []*rpc.Task{
				{TaskType: "echo", Group: "g"}, bad, {TaskType: "echo", Group: "g"}, {TaskType: "echo", Group: "other"}, {TaskType: "echo"},
			}})
			require.NoError(t, err)
			r := answer.GetResults()
			require.Nil(t, r[0].GetError())
			require.NotNil(t, r[1].GetError())
			require.Equal(t, rpc.Reason_REASON_UNAVAILABLE, r[2].GetError().GetReason(), "it was queued though the one before it in its group was not")
			require.Contains(t, r[2].GetError().GetMessage(), "goflow: push echo: unavailable: not sent, as an earlier task of group g was not")
			require.Nil(t, r[3].GetError())
			require.Nil(t, r[4].GetError())
		})
	}
}

func TestAmbiguousPushNamesItsTask(t *testing.T) {
	t.Parallel()
	w := over(t, &fakeRemote{push: func(_ context.Context, pushes []port.Push) error {
		return port.ItemErrors{0: fmt.Errorf("%w: %w", port.ErrAmbiguous, context.DeadlineExceeded)}
	}}).serve()
	client, ctx := w.as("push")
	_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
	requireStatus(t, err, codes.Unknown, rpc.Reason_REASON_AMBIGUOUS)
	require.Len(t, convert.Info(err).GetMetadata()["id"], 36)
}

func TestUnavailableIsPassedOn(t *testing.T) {
	t.Parallel()
	w := over(t, &fakeRemote{
		push: func(context.Context, []port.Push) error { return port.ErrUnavailable },
		load: func([]string, bool) ([]port.Record, error) { return nil, port.ErrRefused },
	}).serve()
	client, ctx := w.as("all")
	_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
	requireStatus(t, err, codes.Unavailable, rpc.Reason_REASON_UNAVAILABLE)
	_, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id1})
	requireStatus(t, err, codes.Internal, rpc.Reason_REASON_REFUSED)
	got, err := client.GetRecords(ctx, &rpc.GetRecordsRequest{Ids: []string{id1}})
	require.NoError(t, err)
	require.Equal(t, rpc.Reason_REASON_REFUSED, got.GetResults()[0].GetError().GetReason())
}

func TestGetResultOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	client, ctx := newWorld(t).serve().as("read")
	got, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
	require.NoError(t, err)
	require.Equal(t, rpc.State_STATE_UNKNOWN, got.GetState())
	_, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: ancient})
	requireStatus(t, err, codes.NotFound, rpc.Reason_REASON_NOT_FOUND)
	_, err = client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: ancient})
	requireStatus(t, err, codes.NotFound, rpc.Reason_REASON_NOT_FOUND)
	for _, bad := range []string{"", "x", strings.Repeat("a", 36)} {
		_, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: bad})
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
		_, err = client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: bad})
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
	}
}

func (w *world) save(id string, state task.State, attempts int) {
	w.Helper()
	rec := port.Record{ID: id, State: state, Generation: 1, Attempts: attempts, GiveBacks: attempts, Error: "e", Expires: time.Now().Add(time.Hour)}
	require.NoError(w, w.records.Save(w.Context(), []port.Record{rec}))
}

func TestGetRecordsAnswersInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("read")
	w.save(id2, task.Dead, 3)
	got, err := client.GetRecords(ctx, &rpc.GetRecordsRequest{Ids: []string{id1, "bad", strings.ToUpper(id2), id2}, Fresh: true})
	require.NoError(t, err)
	require.Len(t, got.GetResults(), 4)
	require.Equal(t, rpc.State_STATE_UNKNOWN, got.GetResults()[0].GetRecord().GetState())
	require.Equal(t, rpc.Reason_REASON_INVALID, got.GetResults()[1].GetError().GetReason())
	for _, i := range []int{2, 3} {
		require.Equal(t, rpc.State_STATE_DEAD, got.GetResults()[i].GetRecord().GetState())
		require.EqualValues(t, 3, got.GetResults()[i].GetRecord().GetAttempts())
	}
	for _, n := range []int{0, server.MaxIDs + 1} {
		_, err = client.GetRecords(ctx, &rpc.GetRecordsRequest{Ids: make([]string, n)})
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("all")
	got, err := client.CancelTask(ctx, &rpc.CancelTaskRequest{Id: id2})
	require.NoError(t, err)
	require.Equal(t, rpc.State_STATE_CANCELLED, got.GetRecord().GetState())
	result, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
	require.NoError(t, err)
	require.NotEmpty(t, result.GetErrMsg())
	w.save(id1, task.Done, 0)
	_, err = client.CancelTask(ctx, &rpc.CancelTaskRequest{Id: id1})
	requireStatus(t, err, codes.FailedPrecondition, rpc.Reason_REASON_FINISHED)
	_, err = client.CancelTask(ctx, &rpc.CancelTaskRequest{Id: "x"})
	requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
}

func TestStats(t *testing.T) {
	t.Parallel()
	t.Run("OfAllQueues", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.serve(server.Queues(server.Queue{Size: w.broker, Dead: w.dead}, server.Queue{Name: "other", Size: w.dead}))
		client, ctx := w.as("all")
		_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
		require.NoError(t, err)
		got, err := client.GetStats(ctx, &rpc.GetStatsRequest{})
		require.NoError(t, err)
		require.Len(t, got.GetQueues(), 2)
		require.EqualValues(t, 1, got.GetQueues()[0].GetWaiting())
		require.NotNil(t, got.GetQueues()[0].Dead)
		require.Equal(t, "other", got.GetQueues()[1].GetName())
		require.Nil(t, got.GetQueues()[1].Dead)
	})
	t.Run("OfNone", func(t *testing.T) {
		t.Parallel()
		client, ctx := newWorld(t).serve().as("read")
		_, err := client.GetStats(ctx, &rpc.GetStatsRequest{})
		require.Equal(t, codes.Unimplemented, status.Code(err))
		require.Contains(t, status.Convert(err).Message(), "server.Queues")
	})
	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		_, err := server.New(newWorld(t).client, server.Authenticate(server.Anyone()), server.Queues(server.Queue{Name: "x"}))
		require.ErrorIs(t, err, port.ErrInvalid)
	})
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead, err := goflow.NewDeadLetterQueue(w.dead, w.broker, w.records)
	require.NoError(t, err)
	w.serve(server.AdminDeadLetters(dead), server.RedriveAll(func(_ context.Context, progress func(server.Move)) (server.Move, error) {
		progress(server.Move{Moved: 1, Total: 2})
		return server.Move{Moved: 2, Total: 2, Found: true}, nil
	}))
	w.work()
	client, ctx := w.as("all")
	var ids []string
	for range 3 {
		pushed, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "fail", Payload: `"no"`})
		require.NoError(t, err)
		ids = append(ids, pushed.GetId())
	}
	require.Eventually(t, func() bool {
		size, err := w.dead.Size(ctx)
		return err == nil && size.Waiting == len(ids)
	}, 10*time.Second, time.Millisecond)

	listed, err := all(client.ListDeadLetters(ctx, &rpc.ListDeadLettersRequest{}))
	require.NoError(t, err)
	require.Len(t, listed, 3)
	require.Equal(t, "no", listed[0].GetLetter().GetError())
	settled, err := all(client.SettleDeadLetters(ctx, &rpc.SettleDeadLettersRequest{}))
	require.NoError(t, err)
	require.Empty(t, settled, "they say themselves why they died")
	dropped, err := all(client.DropDeadLetters(ctx, &rpc.DropDeadLettersRequest{Filter: &rpc.DeadLetterFilter{Ids: ids[:1]}}))
	require.NoError(t, err)
	require.Len(t, dropped, 1)
	require.Nil(t, dropped[0].GetError())
	redriven, err := all(client.RedriveDeadLetters(ctx, &rpc.RedriveDeadLettersRequest{Filter: &rpc.DeadLetterFilter{Ids: ids[1:], Limit: 1}}))
	require.NoError(t, err)
	require.Len(t, redriven, 1)
	require.Eventually(t, func() bool {
		rec, err := w.client.Get(ctx, redriven[0].GetLetter().GetId())
		return err == nil && rec.Generation == 2 && rec.State == task.Dead
	}, 10*time.Second, time.Millisecond)

	moves, err := all(client.RedriveAllDeadLetters(ctx, &rpc.RedriveAllDeadLettersRequest{}))
	require.NoError(t, err)
	require.Len(t, moves, 2)
	require.True(t, moves[1].GetFound())
	for _, filter := range []*rpc.DeadLetterFilter{{Limit: -1}, {Ids: []string{"x"}}, {Ids: make([]string, server.MaxFilterIDs+1)}} {
		_, err = all(client.DropDeadLetters(ctx, &rpc.DropDeadLettersRequest{Filter: filter}))
		requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
	}
}

func TestWithoutDeadLetters(t *testing.T) {
	t.Parallel()
	client, ctx := newWorld(t).serve().as("admin")
	_, err := all(client.ListDeadLetters(ctx, &rpc.ListDeadLettersRequest{}))
	require.Equal(t, codes.Unimplemented, status.Code(err))
	require.Contains(t, status.Convert(err).Message(), "server.AdminDeadLetters")
	_, err = all(client.RedriveAllDeadLetters(ctx, &rpc.RedriveAllDeadLettersRequest{}))
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

// brokenQueue panics.
type brokenQueue struct{ server.DeadLetters }

func (brokenQueue) List(context.Context, goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error] {
	panic("here")
}

func TestPanicEndsOneCall(t *testing.T) {
	t.Parallel()
	const secret = "payload-that-nobody-logs"
	w := newWorld(t).serve(server.AdminDeadLetters(brokenQueue{}), server.GRPC(grpc.ChainUnaryInterceptor(
		func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { panic("there") })))
	client, ctx := w.as("all")
	for range 2 {
		_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: `"` + secret + `"`})
		require.Equal(t, codes.Internal, status.Code(err))
		require.NotContains(t, status.Convert(err).Message(), "there")
		_, err = all(client.ListDeadLetters(ctx, &rpc.ListDeadLettersRequest{}))
		require.Equal(t, codes.Internal, status.Code(err))
	}
	require.NoError(t, w.stop())
	require.Equal(t, 4, strings.Count(w.log.String(), "level="))
	require.Equal(t, 2, strings.Count(w.log.String(), "panic=here"))
	require.Equal(t, 2, strings.Count(w.log.String(), "panic=there"))
	require.NotContains(t, w.log.String(), secret)
}

// brokenStream panics when its request is read.
type brokenStream struct{ grpc.ServerStream }

func (brokenStream) RecvMsg(any) error { panic("here") }

func TestPanicOfAReadEndsOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve(server.GRPC(grpc.ChainStreamInterceptor(
		func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return next(srv, brokenStream{s})
		})))
	client, ctx := w.as("read")
	_, err := all(client.WatchTasks(ctx, &rpc.WatchTasksRequest{Ids: []string{id2}}))
	require.Equal(t, codes.Internal, status.Code(err))
	require.NoError(t, w.stop())
	require.Contains(t, w.log.String(), "panic=here")
}

func TestFailedCallHasOneLineWithoutWhatWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("read")
	const secret = "no-uuid-and-a-secret"
	_, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: secret})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Contains(t, status.Convert(err).Message(), secret)
	_, err = client.PushTask(ctx, &rpc.PushTaskRequest{Payload: secret})
	require.Equal(t, codes.PermissionDenied, status.Code(err))
	require.NoError(t, w.stop())
	require.Equal(t, 2, strings.Count(w.log.String(), "a call failed"), w.log.String())
	require.Contains(t, w.log.String(), "caller=read")
	require.NotContains(t, w.log.String(), secret)
}

// TestResultsOfAnInProcessStoreAreEncoded: there a result is a value.
func TestResultsOfAnInProcessStoreAreEncoded(t *testing.T) {
	t.Parallel()
	w, records := newWorld(t), memory.NewLocalStore()
	client, err := goflow.NewClient(memory.NewLocalBroker(0), records)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	w.client = client
	w.serve()
	id := goflow.IDFrom("greeting")
	require.NoError(t, records.Save(t.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1, Value: "1 < 2"}}))
	api, ctx := w.as("read")
	one, err := api.GetResult(ctx, &rpc.GetResultRequest{TaskID: id})
	require.NoError(t, err)
	require.Equal(t, `"1 < 2"`, one.GetResult())
	waited, err := api.WaitTask(ctx, &rpc.WaitTaskRequest{Id: id})
	require.NoError(t, err)
	require.Equal(t, `"1 < 2"`, string(waited.GetRecord().GetResult()))
}
