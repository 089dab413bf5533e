package e2e_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// serve starts a server of this place and returns its address. Its listener is
// wrap's.
func (p place) serve(t *testing.T, wrap func(net.Listener) net.Listener, opts ...server.Option) string {
	t.Helper()
	opts = append(opts, server.Authenticate(server.Anyone(rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ)))
	srv, err := server.New(p.client(t), opts...)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	running(t, func(ctx context.Context) error { return srv.Serve(ctx, wrap(listener)) })
	return listener.Addr().String()
}

// running runs f until the test ends.
func running(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

// count starts a worker that counts what it runs.
func (p place) count(t *testing.T, runs *atomic.Int32) {
	t.Helper()
	mux := goflow.NewMux()
	echo.Handle(mux, func(_ context.Context, n int) (int, error) {
		runs.Add(1)
		return n, nil
	})
	t.Cleanup(p.work(t, mux))
}

var echo = goflow.NewJob[int, int]("echo")

func remote(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.Dial(address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func plain(l net.Listener) net.Listener { return l }

// Servers keep nothing: what is pushed through one is awaited through another.
func TestAnyClientOfAnyServerSeesAnyResult(t *testing.T) {
	t.Parallel()
	p, runs := newPlace(t), &atomic.Int32{}
	p.count(t, runs)
	p.count(t, runs)
	first, second := remote(t, p.serve(t, plain)), remote(t, p.serve(t, plain))
	direct := p.client(t)

	const each = 20
	var ids []string
	for n := range each {
		for _, c := range []*goflow.Client{first.Client, second.Client, direct} {
			id, err := echo.Push(t.Context(), c, n)
			require.NoError(t, err)
			ids = append(ids, id)
		}
	}
	for _, c := range []*goflow.Client{direct, second.Client, first.Client} {
		seen := 0
		for rec, err := range c.WaitAll(t.Context(), ids) {
			require.NoError(t, err)
			require.Equal(t, task.Done, rec.State)
			seen++
		}
		require.Equal(t, len(ids), seen)
	}
	require.EqualValues(t, len(ids), runs.Load())
}

// cutter closes all connections of a listener.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cutter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return conn, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// The task is in the queue when the connection breaks: who pushed it under an ID
// pushes it again, and it runs once; others are told that nobody knows.
func TestConnectionCutAfterThePush(t *testing.T) {
	t.Parallel()
	p, runs, pushes, line := newPlace(t), &atomic.Int32{}, &atomic.Int32{}, &cutter{}
	p.count(t, runs)
	lossy := func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		out, err := handle(ctx, in)
		if info.FullMethod == rpc.GoFlow_PushTasks_FullMethodName && pushes.Add(1)%2 == 1 {
			line.cut()
		}
		return out, err
	}
	c := remote(t, p.serve(t, func(l net.Listener) net.Listener {
		line.Listener = l
		return line
	}, server.GRPC(grpc.ChainUnaryInterceptor(lossy))))

	id, err := echo.Push(t.Context(), c.Client, 1, goflow.ID(goflow.IDFrom(t.Name())))
	require.NoError(t, err)
	got, err := echo.Wait(t.Context(), c.Client, id)
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.EqualValues(t, 2, pushes.Load())

	id, err = echo.Push(t.Context(), c.Client, 2)
	require.ErrorIs(t, err, goflow.ErrAmbiguous)
	got, err = echo.Wait(t.Context(), c.Client, id)
	require.NoError(t, err)
	require.Equal(t, 2, got)
	require.EqualValues(t, 3, pushes.Load(), "what may have been done is not done again")
	require.EqualValues(t, 2, runs.Load())
}
