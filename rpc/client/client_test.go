package client_test

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

// fake is a server that answers as it is told, on connections that can be cut.
type fake struct {
	rpc.UnimplementedGoFlowServer

	push   func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error)
	cancel func(calls int) (*rpc.CancelTaskResponse, error)
	read   func(calls int) error
	state  rpc.State

	mu       sync.Mutex
	conns    []net.Conn
	tokens   []string
	requests []*rpc.PushTasksRequest
	cancels  int
	reads    atomic.Int32
	address  string
	server   *grpc.Server
}

// start serves until the test ends.
func start(t *testing.T, f *fake, opts ...grpc.ServerOption) *fake {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.address = listener.Addr().String()
	server := grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(4<<20))...)
	f.server = server
	rpc.RegisterGoFlowServer(server, f)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(f.tracked(listener))
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return f
}

// listener notes its connections.
type listener struct {
	net.Listener
	f *fake
}

func (f *fake) tracked(l net.Listener) net.Listener { return listener{l, f} }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.conns = append(l.f.conns, conn)
	return conn, err
}

// cut closes all connections: the answer of whoever is asked is lost.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		_ = conn.Close()
	}
}

func (f *fake) PushTasks(ctx context.Context, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.tokens = append(f.tokens, strings.Join(metadata.ValueFromIncomingContext(ctx, "authorization"), ","))
	calls := len(f.requests)
	f.mu.Unlock()
	if f.push != nil {
		return f.push(calls, r)
	}
	return queued(r), nil
}

func (f *fake) GetRecords(_ context.Context, r *rpc.GetRecordsRequest) (*rpc.GetRecordsResponse, error) {
	if calls := f.reads.Add(1); f.read != nil {
		if err := f.read(int(calls)); err != nil {
			return nil, err
		}
	}
	answer := &rpc.GetRecordsResponse{}
	for _, id := range r.GetIds() {
		answer.Results = append(answer.Results, &rpc.RecordResult{Record: &rpc.Record{Id: id, State: f.state}})
	}
	return answer, nil
}

func (f *fake) CancelTask(context.Context, *rpc.CancelTaskRequest) (*rpc.CancelTaskResponse, error) {
	f.mu.Lock()
	f.cancels++
	calls := f.cancels
	f.mu.Unlock()
	return f.cancel(calls)
}

// got are the pushes that came.
func (f *fake) got() []*rpc.PushTasksRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// queued says so of each task.
func queued(r *rpc.PushTasksRequest) *rpc.PushTasksResponse {
	answer := &rpc.PushTasksResponse{}
	for _, t := range r.GetTasks() {
		answer.Results = append(answer.Results, &rpc.PushResult{Id: t.GetId() + t.GetGeneratedId()})
	}
	return answer
}

func dial(t *testing.T, target string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.Dial(target, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() }) // closed already, or not
	return c
}

const (
	one      = "1"
	waitTime = 10 * time.Second
	tick     = 10 * time.Millisecond
)

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	lossy := func(t *testing.T) *fake {
		t.Helper()
		f := &fake{}
		f.push = func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
			if calls == 1 {
				f.cut()
			}
			return queued(r), nil
		}
		return start(t, f)
	}
	t.Run("IsAmbiguous", func(t *testing.T) {
		t.Parallel()
		f := lossy(t)
		id, err := dial(t, f.address).Push(t.Context(), "x", json.RawMessage(one))
		require.ErrorIs(t, err, goflow.ErrAmbiguous)
		require.NotEmpty(t, id)
		require.Len(t, f.got(), 1, "what may have been done is not repeated")
	})
	t.Run("IsRepeatedUnderAnID", func(t *testing.T) {
		t.Parallel()
		f := lossy(t)
		want := goflow.IDFrom("a")
		id, err := dial(t, f.address).Push(t.Context(), "x", json.RawMessage(one), goflow.ID(want))
		require.NoError(t, err)
		require.Equal(t, want, id)
		require.Len(t, f.got(), 2)
	})
	t.Run("OfACancelIsRepeated", func(t *testing.T) {
		t.Parallel()
		f := &fake{state: rpc.State_STATE_CANCELLED}
		f.cancel = func(calls int) (*rpc.CancelTaskResponse, error) {
			if calls == 1 {
				f.cut()
				return &rpc.CancelTaskResponse{}, nil
			}
			return nil, finished(t)
		}
		start(t, f)
		require.NoError(t, dial(t, f.address).Cancel(t.Context(), goflow.IDFrom("a")))
		require.Equal(t, 2, f.cancels)
	})
	t.Run("OfAFinishedTaskIsNoCancel", func(t *testing.T) {
		t.Parallel()
		f := start(t, &fake{state: rpc.State_STATE_CANCELLED, cancel: func(int) (*rpc.CancelTaskResponse, error) { return nil, finished(t) }})
		require.ErrorIs(t, dial(t, f.address).Cancel(t.Context(), goflow.IDFrom("a")), goflow.ErrFinished)
	})
}

// Nobody listens: the push surely was not made, and another server is asked.
func TestServerThatIsGone(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := listener.Addr().String()
	require.NoError(t, listener.Close())

	_, err = dial(t, gone).Push(t.Context(), "x", json.RawMessage(one))
	require.ErrorIs(t, err, goflow.ErrUnavailable)
	require.NotErrorIs(t, err, goflow.ErrAmbiguous)

	f := start(t, &fake{})
	_, err = dial(t, gone+","+f.address).Push(t.Context(), "x", json.RawMessage(one))
	require.NoError(t, err)
}

func TestEndOfTheContext(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := start(t, &fake{push: func(_ int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		<-release
		return queued(r), nil
	}})
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := dial(t, f.address).PushMany(ctx, []task.Task{{Type: "x", Payload: 1}, {Type: "x", Payload: 1}})
	require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrAmbiguous)
	require.ErrorIs(t, port.ItemError(err, 1), context.DeadlineExceeded)
}

func TestErrorOfOneIsNotAnothers(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{push: func(calls int, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
		answer := queued(r)
		for i, one := range r.GetTasks() {
			switch {
			case one.GetTaskType() == "large":
				answer.Results[i].Error = &rpc.Error{Reason: rpc.Reason_REASON_TOO_LARGE, Message: "too large"}
			case one.GetTaskType() == "throttled" && calls == 1:
				answer.Results[i].Error = &rpc.Error{Reason: rpc.Reason_REASON_UNAVAILABLE, Message: "throttled"}
			}
		}
		return answer, nil
	}})
	_, err := dial(t, f.address).PushMany(t.Context(), []task.Task{{Type: "throttled"}, {Type: "large"}, {Type: "good"}})
	require.NoError(t, port.ItemError(err, 0))
	require.ErrorIs(t, port.ItemError(err, 1), goflow.ErrTooLarge)
	require.NoError(t, port.ItemError(err, 2))
	require.Len(t, f.got()[1].GetTasks(), 1, "only what may be repeated is")
}

func TestLargePushesAreSplit(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{})
	tasks := make([]task.Task, port.MaxPushes)
	for i := range tasks {
		tasks[i] = task.Task{Type: "x", Payload: strings.Repeat("a", 200<<10)}
	}
	_, err := dial(t, f.address).PushMany(t.Context(), tasks)
	require.NoError(t, err)
	n := 0
	for _, r := range f.got() {
		n += len(r.GetTasks())
	}
	require.Equal(t, len(tasks), n)
	require.True(t, len(f.got()) == 5, "20 MB in requests of less than 4 MiB")
	_, err = dial(t, f.address).Push(t.Context(), "x", json.RawMessage(`"`+strings.Repeat("a", 5<<20)+`"`))
	require.ErrorIs(t, err, goflow.ErrTooLarge)
}

func TestBadTargetsAndOptions(t *testing.T) {
	t.Parallel()
	for name, dialed := range map[string]func() (*client.Client, error){
		"no port": func() (*client.Client, error) { return client.Dial("localhost") },
		"second":  func() (*client.Client, error) { return client.Dial("localhost:1,localhost") },
		"both": func() (*client.Client, error) {
			return client.Dial("localhost:1", client.PlainText(), client.TLS(insecureTLS()))
		},
		"nil":     func() (*client.Client, error) { return client.Dial("localhost:1", client.TLS(nil)) },
		"no file": func() (*client.Client, error) { return client.Dial("localhost:1", client.TLSFiles("none", "", "")) },
		"no CA": func() (*client.Client, error) {
			return client.Dial("localhost:1", client.TLSFiles("client_test.go", "", ""))
		},
		"no key":     func() (*client.Client, error) { return client.Dial("localhost:1", client.TLSFiles("", "none", "")) },
		"no token":   func() (*client.Client, error) { return client.Dial("localhost:1", client.Token("")) },
		"token line": func() (*client.Client, error) { return client.Dial("localhost:1", client.Token("secret\n")) },
		"no func":    func() (*client.Client, error) { return client.Dial("localhost:1", client.TokenFunc(nil)) },
		"of goflow":  func() (*client.Client, error) { return client.Dial("localhost:1", client.With(goflow.RecordTTL(0))) },
		"bad scheme": func() (*client.Client, error) { return client.Dial("") },
	} {
		_, err := dialed()
		require.ErrorIs(t, err, goflow.ErrInvalid, name)
		require.NotContains(t, err.Error(), "secret", "it is one")
	}
}
