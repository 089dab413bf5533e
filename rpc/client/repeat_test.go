package client_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

func stops() error {
	return convert.Refusal(codes.Unavailable, rpc.Reason_REASON_CLOSED, "the server stops, ask another")
}

// A server that stops says that it is closed. The client is not.
func TestServerThatStopsIsNotTheClient(t *testing.T) {
	t.Parallel()
	f := &fake{state: rpc.State_STATE_DONE}
	f.push = func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		answer := queued(r)
		switch calls {
		case 1:
			return nil, stops()
		case 2:
			answer.Results[0].Error = &rpc.Error{Reason: rpc.Reason_REASON_CLOSED, Message: "closed"}
		}
		return answer, nil
	}
	f.read = func(calls int) error {
		if calls <= 7 { // more often than gRPC itself repeats a read
			return stops()
		}
		return nil
	}
	f.cancel = func(calls int) (*rpc.CancelTaskResponse, error) {
		if calls == 1 {
			return nil, stops()
		}
		return &rpc.CancelTaskResponse{}, nil
	}
	c := dial(t, start(t, f).address)
	require.NoError(t, push(t, c))
	require.Len(t, f.got(), 3)
	rec, err := c.Wait(t.Context(), goflow.IDFrom("a"))
	require.NoError(t, err)
	require.Equal(t, task.Done, rec.State)
	require.NoError(t, c.Cancel(t.Context(), goflow.IDFrom("a")))
}

func TestRepeatsAreCounted(t *testing.T) {
	t.Parallel()
	throttled := status.Error(codes.Unavailable, "a proxy knows no server")
	f := start(t, &fake{
		read: func(int) error { return throttled },
		push: func(int, *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) { return nil, throttled },
	})
	c := dial(t, f.address)
	_, err := c.Stats(t.Context())
	require.ErrorIs(t, err, goflow.ErrRefused, "this server has no such method, which no repeat changes")
	require.ErrorIs(t, push(t, c), goflow.ErrAmbiguous)
	require.Len(t, f.got(), 1)
	_, err = c.Push(t.Context(), "x", json.RawMessage(one), goflow.ID(goflow.IDFrom("a")))
	require.ErrorIs(t, err, goflow.ErrAmbiguous)
	require.Len(t, f.got(), 1+5)
	for _, err := range c.WaitAll(brief(t), []string{goflow.IDFrom("a")}) {
		require.ErrorIs(t, err, goflow.ErrNotFinished, "it may be read yet")
	}
}

// What a name service says of repeats is not heard: pushes could be twice.
func TestNameServiceDoesNotRepeatPushes(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{push: func(int, *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		return nil, status.Error(codes.Unavailable, "a proxy knows no server")
	}})
	names := manual.NewBuilderWithScheme("names")
	names.BuildCallback = func(_ resolver.Target, conn resolver.ClientConn, _ resolver.BuildOptions) {
		names.InitialState(resolver.State{
			Addresses: []resolver.Address{{Addr: f.address}},
			ServiceConfig: conn.ParseServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.001s",
				"maxBackoff": "0.001s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`),
		})
	}
	c := dial(t, "names:///goflow", client.PlainText(), client.GRPC(grpc.WithResolvers(names)))
	require.ErrorIs(t, push(t, c), goflow.ErrAmbiguous)
	require.Len(t, f.got(), 1)
}

// brief is over when the first read is.
func brief(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*tick)
	t.Cleanup(cancel)
	return ctx
}

// The first push under an ID may have been heard, the repeats surely not: nobody
// knows.
func TestDoubtStays(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.push = func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		if calls == 1 {
			f.cut()
			return queued(r), nil
		}
		return nil, stops()
	}
	_, err := dial(t, start(t, f).address).Push(t.Context(), "x", json.RawMessage(one), goflow.ID(goflow.IDFrom("a")))
	require.ErrorIs(t, err, goflow.ErrAmbiguous)
	require.Len(t, f.got(), 5)
}

// Nor does anybody know whether a cancel was heard.
func TestDoubtOfACancelStays(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.cancel = func(calls int) (*rpc.CancelTaskResponse, error) {
		if calls == 1 {
			f.cut()
		}
		return nil, stops()
	}
	start(t, f)
	err := dial(t, f.address).Cancel(brief(t), goflow.IDFrom("a"))
	require.ErrorIs(t, err, goflow.ErrAmbiguous)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, dial(t, f.address).Cancel(t.Context(), goflow.IDFrom("b")), goflow.ErrUnavailable)
	f.cancels = 0
	require.ErrorIs(t, dial(t, f.address).Cancel(t.Context(), goflow.IDFrom("c")), goflow.ErrAmbiguous)
}

// A repeat that is answered without an ID must not be a third task.
func TestRepeatIsTheSameTask(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{push: func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		if calls == 1 {
			return &rpc.PushTasksResponse{Results: []*rpc.PushResult{{Error: &rpc.Error{Reason: rpc.Reason_REASON_UNAVAILABLE}}}}, nil
		}
		return queued(r), nil
	}})
	id, err := dial(t, f.address).Push(t.Context(), "x", json.RawMessage(one))
	require.NoError(t, err)
	for _, r := range f.got() {
		require.Equal(t, id, r.GetTasks()[0].GetGeneratedId())
	}
}

// Only what is under an ID is pushed again when the answer of both is lost.
func TestMixedBatch(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.push = func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		if calls == 1 {
			f.cut()
		}
		return queued(r), nil
	}
	mine := goflow.IDFrom("a")
	_, err := dial(t, start(t, f).address).PushMany(t.Context(), []task.Task{{Type: "x"}, {Type: "x", ID: mine}})
	require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrAmbiguous)
	require.NoError(t, port.ItemError(err, 1))
	require.Len(t, f.got(), 2)
	require.Len(t, f.got()[1].GetTasks(), 1)
	require.Equal(t, mine, f.got()[1].GetTasks()[0].GetId())
}

// What stands behind a task that is not pushed stays behind: in the repeat of
// those that the server kept back, and in the next request of a large batch.
func TestGroupsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	refuse := func(_ int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		answer := queued(r)
		bad := false
		for i, one := range r.GetTasks() {
			switch {
			case one.GetTaskType() == "bad":
				bad, answer.Results[i].Error = true, &rpc.Error{Reason: rpc.Reason_REASON_TOO_LARGE}
			case bad: // as servers do within a request
				answer.Results[i].Error = &rpc.Error{Reason: rpc.Reason_REASON_UNAVAILABLE}
			}
		}
		return answer, nil
	}
	t.Run("InARepeat", func(t *testing.T) {
		t.Parallel()
		f := start(t, &fake{push: refuse})
		_, err := dial(t, f.address).PushMany(t.Context(), []task.Task{{Type: "bad"}, {Type: "behind"}}, goflow.Group("g"))
		require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrTooLarge)
		require.ErrorIs(t, port.ItemError(err, 1), goflow.ErrUnavailable)
		require.Len(t, f.got(), 1)
	})
	t.Run("InTheNextRequest", func(t *testing.T) {
		t.Parallel()
		f := start(t, &fake{push: refuse})
		large := strings.Repeat("a", 3<<20)
		_, err := dial(t, f.address).PushMany(t.Context(), []task.Task{{Type: "bad", Payload: large}, {Type: "behind", Payload: large}}, goflow.Group("g"))
		require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrTooLarge)
		require.ErrorIs(t, port.ItemError(err, 1), goflow.ErrUnavailable)
		require.Len(t, f.got(), 1)
	})
	t.Run("OthersGoOn", func(t *testing.T) {
		t.Parallel()
		f := start(t, &fake{push: refuse})
		large := strings.Repeat("a", 3<<20)
		_, err := dial(t, f.address).PushMany(t.Context(), []task.Task{{Type: "bad", Payload: large}, {Type: "other", Payload: large}})
		require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrTooLarge)
		require.NoError(t, port.ItemError(err, 1))
	})
}

// Who limits the rate says what gRPC says of messages that are too large.
func TestLimitOfTheRateIsNotOfTheSize(t *testing.T) {
	t.Parallel()
	limited := status.Error(codes.ResourceExhausted, "rate limited")
	f := start(t, &fake{
		read: func(int) error { return limited },
		push: func(int, *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) { return nil, limited },
	})
	c := dial(t, f.address)
	require.ErrorIs(t, push(t, c), goflow.ErrAmbiguous)
	for _, err := range c.WaitAll(brief(t), []string{goflow.IDFrom("a")}) {
		require.ErrorIs(t, err, goflow.ErrNotFinished, "the next read may be answered")
	}
}

// One of two servers is killed while tasks are pushed under IDs: each comes to
// be a task.
func TestServerIsKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tasks := map[string]bool{}
	push := func(_ int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, one := range r.GetTasks() {
			tasks[one.GetId()] = true
		}
		return queued(r), nil
	}
	dies := &fake{}
	dies.push = func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		if calls == 3 {
			go dies.server.Stop()
			dies.cut()
		}
		return push(calls, r)
	}
	start(t, dies)
	stays := start(t, &fake{push: push})
	c := dial(t, dies.address+","+stays.address)
	require.Eventually(t, func() bool { // until both have been asked
		_, err := c.Push(t.Context(), "x", json.RawMessage(one), goflow.ID(goflow.IDFrom("first")))
		require.NoError(t, err)
		return len(dies.got()) > 0 && len(stays.got()) > 0
	}, waitTime, tick)
	for i := range 50 {
		id := goflow.IDFrom(strconv.Itoa(i))
		_, err := c.Push(t.Context(), "x", json.RawMessage(one), goflow.ID(id))
		require.NoError(t, err)
		mu.Lock()
		require.True(t, tasks[id])
		mu.Unlock()
	}
	require.Len(t, dies.got(), 3)
}
