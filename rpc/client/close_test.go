package client_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

func TestCloseEndsWaiting(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{state: rpc.State_STATE_OPEN})
	c := dial(t, f.address)
	waited := make(chan error, 1)
	go func() {
		_, err := c.Wait(context.WithoutCancel(t.Context()), goflow.IDFrom("a"))
		waited <- err
	}()
	require.Eventually(t, func() bool { return f.reads.Load() > 0 }, waitTime, tick)
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-waited, goflow.ErrClosed)
	_, err := c.Get(t.Context(), goflow.IDFrom("a"))
	require.ErrorIs(t, err, goflow.ErrClosed, "there is nobody to be asked any more")
	require.ErrorIs(t, push(t, c), goflow.ErrClosed)
	require.ErrorIs(t, c.Cancel(t.Context(), goflow.IDFrom("a")), goflow.ErrClosed)
}

// watched is a server whose watches say one thing and go on. The first finds no
// server behind a proxy.
type watched struct {
	rpc.UnimplementedGoFlowServer
	calls atomic.Int32
}

func (w *watched) WatchTasks(r *rpc.WatchTasksRequest, s grpc.ServerStreamingServer[rpc.WatchTasksResponse]) error {
	if w.calls.Add(1) == 1 {
		return status.Error(codes.Unavailable, "no server")
	}
	if err := s.Send(&rpc.WatchTasksResponse{Record: &rpc.Record{Id: r.GetIds()[0], State: rpc.State_STATE_OPEN}}); err != nil {
		return err
	}
	<-s.Context().Done()
	return s.Context().Err()
}

func (w *watched) PushTasks(_ context.Context, r *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
	return queued(r), nil
}

// inBubble runs f with a client of such a server, where a goroutine that is left
// when it returns is a failure.
func inBubble(t *testing.T, f func(t *testing.T, c *client.Client, srv *grpc.Server, service *watched)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener, ended := bufconn.Listen(1<<16), make(chan error, 1)
		srv, service := grpc.NewServer(), &watched{}
		rpc.RegisterGoFlowServer(srv, service)
		go func() { ended <- srv.Serve(listener) }()
		c, err := client.Dial("passthrough:///127.0.0.1:9090", client.GRPC(grpc.WithContextDialer(
			func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })))
		require.NoError(t, err)
		f(t, c, srv, service)
		srv.Stop()
		require.NoError(t, <-ended)
	})
}

func TestCloseEndsWatchingAndLeavesNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *client.Client, _ *grpc.Server, service *watched) {
		t.Helper()
		require.NoError(t, push(t, c))
		seen := 0
		for rec, err := range c.Watch(t.Context(), []string{goflow.IDFrom("a")}) {
			if seen++; seen == 1 {
				require.NoError(t, err)
				require.Equal(t, goflow.IDFrom("a"), rec.ID)
				go func() {
					synctest.Wait() // it looks for more
					_ = c.Close()
				}()
				continue
			}
			require.ErrorIs(t, err, goflow.ErrClosed)
		}
		require.Equal(t, 2, seen)
		require.EqualValues(t, 2, service.calls.Load(), "the first found no server")
	})
}

// Who looks no more ends the call.
func TestWatchIsLeft(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *client.Client, srv *grpc.Server, _ *watched) {
		t.Helper()
		for _, err := range c.Watch(t.Context(), []string{goflow.IDFrom("a")}) {
			require.NoError(t, err)
			break
		}
		left := time.Now()
		srv.GracefulStop() // waits for the call
		require.Zero(t, time.Since(left))
		require.NoError(t, c.Close())
	})
}
