package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

func asIs() grpc.CallOption { return grpc.ForceCodec(rawCodec{}) }

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil } //nolint:forcetypeassert // tests give it nothing else
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }

func TestOversizedRequestIsRefused(t *testing.T) {
	t.Parallel()
	conn := newWorld(t).serve().dial()
	for _, m := range methods(t) {
		err := conn.Invoke(with(t.Context(), "all"), fullName(m), make([]byte, server.DefaultMaxRequestBytes+1), nil, asIs())
		require.Equal(t, codes.ResourceExhausted, status.Code(err), "%s: %v", m.Name(), err)
		err = conn.Invoke(with(t.Context(), "bad"), fullName(m), make([]byte, server.DefaultMaxRequestBytes+1), nil, asIs())
		requireStatus(t, err, codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED)
	}
	metadata := metadata.AppendToOutgoingContext(with(t.Context(), "all"), "x", strings.Repeat("x", server.DefaultMaxHeaderBytes))
	err := conn.Invoke(metadata, rpc.GoFlow_GetStats_FullMethodName, []byte{}, nil, asIs())
	require.Error(t, err)
	require.NotEqual(t, codes.Unimplemented, status.Code(err), "the method saw it")
}

// INTERNAL is what gRPC itself says to it, in all languages.
func TestMalformedRequestIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	conn := w.dial()
	for _, m := range methods(t) {
		err := conn.Invoke(with(t.Context(), "all"), fullName(m), []byte("\xff\xff no message"), nil, asIs())
		require.Equal(t, codes.Internal, status.Code(err), "%s: %v", m.Name(), err)
		err = conn.Invoke(with(t.Context(), "bad"), fullName(m), []byte("\xff\xff no message"), nil, asIs())
		requireStatus(t, err, codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED)
	}
}

// wire speaks HTTP/2 by hand.
type wire struct {
	*http2.Framer
	net.Conn
	headers bytes.Buffer
}

// connect sends what every client begins with.
func connect(t *testing.T, w *world) *wire {
	t.Helper()
	conn, err := w.lis.DialContext(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(http2.ClientPreface))
	require.NoError(t, err)
	c := &wire{Framer: http2.NewFramer(conn, conn), Conn: conn}
	require.NoError(t, c.WriteSettings())
	return c
}

// begin opens a call that has not sent its request yet.
func (c *wire) begin(t *testing.T, method, token string) {
	t.Helper()
	encoder := hpack.NewEncoder(&c.headers)
	for _, field := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", method},
		{":authority", "test"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
		{"authorization", "Bearer " + token},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	require.NoError(t, c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.headers.Bytes(), EndHeaders: true}))
}

// status reads until the call has one. It acknowledges pings, as clients do.
func (c *wire) status(t *testing.T) string {
	t.Helper()
	decoder := hpack.NewDecoder(4096, nil)
	for {
		frame, err := c.ReadFrame()
		require.NoError(t, err)
		switch f := frame.(type) {
		case *http2.PingFrame:
			require.NoError(t, c.WritePing(true, f.Data))
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(f.HeaderBlockFragment())
			require.NoError(t, err)
			for _, field := range fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
		}
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	// until is when the server hangs up.
	until := func(t *testing.T, conn net.Conn) time.Duration {
		t.Helper()
		began := time.Now()
		_, err := io.Copy(io.Discard, conn)
		require.NoError(t, err)
		return time.Since(began)
	}
	t.Run("WhoSaysNothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			conn, err := newWorld(t).serve().lis.DialContext(t.Context())
			require.NoError(t, err)
			require.Equal(t, server.DefaultConnectTimeout, until(t, conn))
		})
	})
	t.Run("WhoDribblesThePreface", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			conn, err := newWorld(t).serve().lis.DialContext(t.Context())
			require.NoError(t, err)
			dribbled := dribble(conn, []byte(http2.ClientPreface))
			require.Equal(t, server.DefaultConnectTimeout, until(t, conn))
			<-dribbled
		})
	})
	t.Run("WhoDribblesTheHeaders", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, newWorld(t).serve())
			dribbled := dribble(c.Conn, append([]byte{0, 1, 0, byte(http2.FrameHeaders), 0, 0, 0, 0, 1}, make([]byte, 256)...))
			took := until(t, c.Conn)
			require.LessOrEqual(t, took, server.DefaultKeepAlive+server.DefaultKeepAliveTimeout)
			<-dribbled
		})
	})
	for token, want := range map[string]codes.Code{"push": codes.DeadlineExceeded, "bad": codes.Unauthenticated} {
		t.Run("WhoNeverSendsTheRequest/"+token, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, newWorld(t).serve())
				began := time.Now()
				c.begin(t, rpc.GoFlow_PushTask_FullMethodName, token)
				require.Equal(t, codeText(want), c.status(t))
				if want == codes.Unauthenticated {
					require.Zero(t, time.Since(began), "it costs nothing more than its headers")
					return
				}
				require.Equal(t, server.DefaultHandlerTimeout+5*time.Second, time.Since(began))
			})
		})
	}
}

func codeText(c codes.Code) string {
	return map[codes.Code]string{codes.DeadlineExceeded: "4", codes.Unauthenticated: "16"}[c]
}

// dribble sends a byte each two seconds, until nobody listens.
func dribble(conn net.Conn, text []byte) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range text {
			if _, err := conn.Write(text[i : i+1]); err != nil {
				return
			}
			time.Sleep(2 * time.Second)
		}
	}()
	return done
}

func TestOfWhatIsNotSaidNothingIsKept(t *testing.T) {
	t.Parallel()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWorld(t)
	s, err := server.New(w.client, server.Authenticate(server.Anyone()))
	require.NoError(t, err)
	require.NoError(t, s.Serve(ctx, lis), "a server that was stopped before it began has nothing to say")
	_, err = (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", lis.Addr().String())
	require.Error(t, err)
}
