package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// methods are those of the protos, so that a new one is tested before anybody
// thinks of it.
func methods(t *testing.T) (all []protoreflect.MethodDescriptor) {
	t.Helper()
	services := rpc.File_goflow_proto.Services()
	for i := range services.Len() {
		for j := range services.Get(i).Methods().Len() {
			all = append(all, services.Get(i).Methods().Get(j))
		}
	}
	require.NotEmpty(t, all)
	return all
}

func fullName(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// invoke calls a method of either sort, with a message or with bytes, and reads a
// stream to its end.
func invoke(ctx context.Context, conn *grpc.ClientConn, m protoreflect.MethodDescriptor, request any) error {
	var opts []grpc.CallOption
	if _, ok := request.([]byte); ok {
		opts = append(opts, asIs())
	}
	reply := dynamicpb.NewMessage(m.Output())
	if !m.IsStreamingServer() {
		return conn.Invoke(ctx, fullName(m), request, reply, opts...)
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, fullName(m), opts...)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(reply); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestEveryMethodAsksWhoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	served := w.serve(server.Queues(server.Queue{Size: w.broker})) // so that a method succeeds without a request
	for home, conn := range map[string]*grpc.ClientConn{"Served": served.dial(), "Mounted": mounted(t)} {
		for _, m := range methods(t) {
			role, ok := proto.GetExtension(m.Options(), rpc.E_Role).(rpc.Role)
			require.True(t, ok && role != rpc.Role_ROLE_UNSPECIFIED, "%s has no role", m.FullName())
			name := strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
			for credential, want := range map[string]codes.Code{
				"": codes.Unauthenticated, "Bearer bad": codes.Unauthenticated, "Bearer expired": codes.Unauthenticated,
				"Bearer ": codes.Unauthenticated, "Basic all": codes.Unauthenticated, "all": codes.Unauthenticated,
				"Bearer not-" + name: codes.PermissionDenied, "Bearer " + name: codes.OK, "bearer all": codes.OK,
			} {
				t.Run(home+"/"+string(m.Name())+"/"+credential, func(t *testing.T) {
					t.Parallel()
					ctx := t.Context()
					if credential != "" {
						ctx = metadata.AppendToOutgoingContext(ctx, "authorization", credential)
					}
					err := invoke(ctx, conn, m, dynamicpb.NewMessage(m.Input()))
					switch want {
					case codes.Unauthenticated:
						requireStatus(t, err, want, rpc.Reason_REASON_UNAUTHENTICATED)
					case codes.PermissionDenied:
						requireStatus(t, err, want, rpc.Reason_REASON_FORBIDDEN)
					default:
						require.NotContains(t, []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Internal}, status.Code(err), "%v", err)
					}
				})
			}
		}
	}
}

// mounted is a server of a program's own.
func mounted(t *testing.T, auth ...server.Authenticator) *grpc.ClientConn {
	t.Helper()
	w := newWorld(t)
	if auth == nil {
		static, err := server.Static(tokens())
		require.NoError(t, err)
		auth = append(auth, static)
	}
	s, err := server.New(w.client, server.Authenticate(auth...), server.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	gs := grpc.NewServer()
	s.Register(gs)
	lis := bufconn.Listen(1 << 20)
	done := make(chan error, 1)
	go func() { done <- gs.Serve(lis) }()
	t.Cleanup(func() {
		gs.Stop()
		require.NoError(t, <-done)
	})
	return dial(t, func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) })
}

func TestTwoCredentialsAreNone(t *testing.T) {
	t.Parallel()
	client, ctx := newWorld(t).serve().as("all")
	_, err := client.GetStats(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer all"), &rpc.GetStatsRequest{})
	requireStatus(t, err, codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED)
}

// custom is a user's own Authenticator.
type custom func(c server.Credential) (server.Caller, error)

func (a custom) Authenticate(_ context.Context, c server.Credential) (server.Caller, error) {
	return a(c)
}

func TestAuthenticatorsAreAskedInTurn(t *testing.T) {
	t.Parallel()
	static, err := server.Static(tokens())
	require.NoError(t, err)
	own := custom(func(c server.Credential) (server.Caller, error) {
		switch c.Token {
		case "own":
			return server.Caller{Name: "own", Roles: []rpc.Role{rpc.Role_ROLE_READ}}, nil
		case "revoked":
			return server.Caller{}, errors.New("it was revoked")
		case "panic":
			panic("no such key")
		}
		return server.Caller{}, server.ErrUnknownCaller
	})
	conn := mounted(t, static, own, server.Anyone(rpc.Role_ROLE_READ))
	client := rpc.NewGoFlowClient(conn)
	for token, want := range map[string]codes.Code{
		"": codes.Unimplemented, "own": codes.Unimplemented, "read": codes.Unimplemented, "push": codes.PermissionDenied,
		"revoked": codes.Unauthenticated, "nobody's": codes.Unauthenticated, "panic": codes.Unauthenticated,
	} {
		ctx := t.Context()
		if token != "" {
			ctx = with(ctx, token)
		}
		_, err := client.GetStats(ctx, &rpc.GetStatsRequest{})
		require.Equal(t, want, status.Code(err), "%q: %v", token, err)
		require.NotContains(t, status.Convert(err).Message(), "it was revoked")
	}
}

func TestNobodyCanCallByOversight(t *testing.T) {
	t.Parallel()
	_, err := server.New(newWorld(t).client)
	require.ErrorContains(t, err, "server.Anyone")
}

func TestHealthIsForEverybody(t *testing.T) {
	t.Parallel()
	health := healthpb.NewHealthClient(newWorld(t).serve().dial())
	for _, name := range []string{"", "goflow.GoFlow"} {
		got, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		require.NoError(t, err)
		require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.GetStatus())
	}
	_, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "other"})
	require.Equal(t, codes.NotFound, status.Code(err))
	list, err := health.List(t.Context(), &healthpb.HealthListRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetStatuses(), 2)
}

func TestReflection(t *testing.T) {
	t.Parallel()
	services := func(w *world, token string) (names []string, err error) {
		ctx := w.Context()
		if token != "" {
			ctx = with(ctx, token)
		}
		stream, err := reflectionpb.NewServerReflectionClient(w.dial()).ServerReflectionInfo(ctx)
		require.NoError(w, err)
		_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
		got, err := stream.Recv()
		for _, s := range got.GetListServicesResponse().GetService() {
			names = append(names, s.GetName())
		}
		return names, err
	}
	t.Run("OffByDefault", func(t *testing.T) {
		t.Parallel()
		_, err := services(newWorld(t).serve(), "all")
		require.Equal(t, codes.Unimplemented, status.Code(err))
	})
	t.Run("ForReaders", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t).serve(server.Reflection())
		_, err := services(w, "")
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		_, err = services(w, "not-read")
		require.Equal(t, codes.PermissionDenied, status.Code(err))
		names, err := services(w, "read")
		require.NoError(t, err)
		require.Contains(t, names, "goflow.GoFlow")
	})
}

// refuses has a reason of its own.
type refuses struct{}

func (refuses) Authenticate(context.Context, server.Credential) (server.Caller, error) {
	return server.Caller{}, errors.New("the keys of the issuer cannot be read")
}

func TestLogSaysWhyAnAuthenticatorRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serveAs(refuses{})
	client, ctx := w.as("secret-token")
	_, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
	requireStatus(t, err, codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED)
	require.NotContains(t, err.Error(), "issuer")
	require.NoError(t, w.stop())
	require.Contains(t, w.log.String(), "the keys of the issuer cannot be read")
	require.NotContains(t, w.log.String(), "secret-token")
}
