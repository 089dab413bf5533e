package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// world is a server in this process, and what it serves.
type world struct {
	*testing.T
	broker, dead *memory.Broker
	records      *memory.Store
	client       *goflow.Client
	server       *server.Server
	lis          *bufconn.Listener
	log          *buffer
	stop         func() error // the server; its error
}

// newWorld has broker and store in memory, and a client of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, broker: memory.NewBroker(memory.PollWait(time.Second)), dead: memory.NewBroker(memory.PollWait(time.Second)),
		records: memory.NewStore(), log: &buffer{},
	}
	var err error
	w.client, err = goflow.NewClient(w.broker, w.records)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.client.Close() })
	return w
}

// serve runs a server until the test ends. Callers are known by tokens named
// after their roles.
func (w *world) serve(opts ...server.Option) *world {
	w.Helper()
	static, err := server.Static(tokens())
	require.NoError(w, err)
	return w.serveAs(static, opts...)
}

// serveAs is serve with callers whom auth knows.
func (w *world) serveAs(auth server.Authenticator, opts ...server.Option) *world {
	w.Helper()
	var err error
	given := []server.Option{server.Authenticate(auth), server.PlainText(), server.Logger(slog.New(slog.NewTextHandler(w.log, nil)))}
	w.server, err = server.New(w.client, append(given, opts...)...)
	require.NoError(w, err)
	w.lis = bufconn.Listen(1 << 20)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, w.lis) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	w.Cleanup(func() { _ = w.stop() })
	return w
}

// dial connects until the test ends.
func (w *world) dial() *grpc.ClientConn {
	w.Helper()
	return dial(w.T, func(ctx context.Context, _ string) (net.Conn, error) { return w.lis.DialContext(ctx) })
}

func dial(t *testing.T, to func(context.Context, string) (net.Conn, error)) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///test", grpc.WithContextDialer(to), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as is a client and a context of somebody with this token.
func (w *world) as(token string) (rpc.GoFlowClient, context.Context) {
	w.Helper()
	return rpc.NewGoFlowClient(w.dial()), with(w.Context(), token)
}

func with(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// tokens are named after what they may do; expired could do all.
func tokens() server.Credentials {
	all := []string{"push", "read", "admin"}
	known := func(name string, roles ...string) server.Token {
		digest := sha256.Sum256([]byte(name))
		return server.Token{Name: name, SHA256: hex.EncodeToString(digest[:]), Roles: roles}
	}
	expired := known("expired", all...)
	expired.Expires = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	return server.Credentials{Tokens: []server.Token{
		known("all", all...), known("push", "push"), known("read", "read"), known("admin", "admin"),
		known("not-push", "read", "admin"), known("not-read", "push", "admin"), known("not-admin", "push", "read"), expired,
	}}
}

// requireStatus wants a code, and GoFlow's reason unless that is unspecified.
func requireStatus(t *testing.T, err error, code codes.Code, reason rpc.Reason) {
	t.Helper()
	require.Equal(t, code, status.Code(err), "%v", err)
	if reason == rpc.Reason_REASON_UNSPECIFIED {
		require.Nil(t, convert.Info(err))
		return
	}
	require.NotNil(t, convert.Info(err), "%v", err)
	require.Equal(t, reason.String(), convert.Info(err).GetReason())
}

// all reads a stream to its end.
func all[T any](s grpc.ServerStreamingClient[T], err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	var got []*T
	for {
		one, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, one)
	}
}

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// fakeRemote does what its functions do.
type fakeRemote struct {
	port.Remote
	push func(ctx context.Context, pushes []port.Push) error
	load func(ids []string, fresh bool) ([]port.Record, error)
}

func (r *fakeRemote) Push(ctx context.Context, pushes []port.Push) error { return r.push(ctx, pushes) }

func (r *fakeRemote) Load(_ context.Context, ids []string, fresh bool) ([]port.Record, error) {
	return r.load(ids, fresh)
}

// over is a world over r.
func over(t *testing.T, r port.Remote) *world {
	t.Helper()
	client, err := goflow.NewRemoteClient(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return &world{T: t, client: client, log: &buffer{}}
}

// newID is a UUIDv7 of now.
func newID() string {
	ms := fmt.Sprintf("%012x", time.Now().UnixMilli())
	return ms[:8] + "-" + ms[8:] + "-7000-8000-00000000000f"
}
