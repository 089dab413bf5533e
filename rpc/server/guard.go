package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// guard stands before every method: who calls, may they, for how long, and what
// if it panics or the server stops. It wraps the methods themselves, so that no
// way of mounting them goes around it.
type guard struct {
	methods map[string]method // by full name
	auth    []Authenticator
	log     *slog.Logger
	timeout time.Duration

	running  atomic.Int64
	stopping context.Context //nolint:containedctx // it is the server's life
	stop     context.CancelCauseFunc
}

// method is what the protos say of one.
type method struct {
	role rpc.Role // UNSPECIFIED: nobody's
	// long: it may take MaxCall, and ends when the server stops.
	long bool
}

func newGuard(o *options) *guard {
	g := &guard{methods: methods(), auth: o.auth, log: o.log, timeout: o.timeout}
	g.methods[healthpb.Health_Watch_FullMethodName] = method{long: true} // not guarded, but tapped
	g.stopping, g.stop = context.WithCancelCause(context.Background())
	return g
}

// methods reads the roles from the descriptor. A method that a later proto adds
// without one is nobody's.
func methods() map[string]method {
	all := map[string]method{}
	services := rpc.File_goflow_proto.Services()
	for i := range services.Len() {
		for j := range services.Get(i).Methods().Len() {
			m := services.Get(i).Methods().Get(j)
			options, _ := m.Options().(*descriptorpb.MethodOptions)
			role, _ := proto.GetExtension(options, rpc.E_Role).(rpc.Role)
			name := "/" + string(services.Get(i).FullName()) + "/" + string(m.Name())
			all[name] = method{role: role, long: m.IsStreamingServer() || name == rpc.GoFlow_WaitTask_FullMethodName}
		}
	}
	return all
}

// service returns d with its methods guarded. Those that the protos don't know,
// which are those of reflection, are for whoever may read.
func (g *guard) service(d *grpc.ServiceDesc) *grpc.ServiceDesc {
	guarded := *d
	guarded.Methods, guarded.Streams = slices.Clone(d.Methods), slices.Clone(d.Streams)
	for i, m := range d.Methods {
		guarded.Methods[i].Handler = g.unary(g.known(d, m.MethodName, false), m.Handler)
	}
	for i, s := range d.Streams {
		guarded.Streams[i].Handler = g.stream(g.known(d, s.StreamName, true), s.Handler)
	}
	return &guarded
}

func (g *guard) known(d *grpc.ServiceDesc, name string, stream bool) string {
	full := "/" + d.ServiceName + "/" + name
	if _, ok := g.methods[full]; !ok && strings.HasPrefix(d.ServiceName, "grpc.reflection.") {
		g.methods[full] = method{role: rpc.Role_ROLE_READ, long: stream}
	}
	return full
}

// registrar mounts services guarded.
type registrar struct {
	*grpc.Server
	guard *guard
}

func (r registrar) RegisterService(d *grpc.ServiceDesc, impl any) {
	r.Server.RegisterService(r.guard.service(d), impl)
}

type callerKey struct{}

// CallerFromContext returns who makes the call of a handler or interceptor;
// false outside of one.
func CallerFromContext(ctx context.Context) (Caller, bool) {
	caller, ok := ctx.Value(callerKey{}).(Caller)
	return caller, ok
}

// admit lets a caller in who may call the method. It says who it is even when it
// refuses, if that is known.
func (g *guard) admit(ctx context.Context, name string) (context.Context, error) {
	caller, err := g.identify(ctx)
	if err != nil {
		return ctx, err
	}
	ctx = context.WithValue(ctx, callerKey{}, caller)
	role := g.methods[name].role
	if role == rpc.Role_ROLE_UNSPECIFIED || !slices.Contains(caller.Roles, role) {
		return ctx, convert.Refusal(codes.PermissionDenied, rpc.Reason_REASON_FORBIDDEN,
			fmt.Sprintf("goflow: %s is for the role %s, which %.80q has not", name, roleName(role), caller.Name))
	}
	return ctx, nil
}

func roleName(r rpc.Role) string {
	if r == rpc.Role_ROLE_UNSPECIFIED {
		return "of nobody"
	}
	return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
}

// identify says who calls. An Authenticator that panics knows nobody.
func (g *guard) identify(ctx context.Context) (caller Caller, err error) {
	text := "goflow: nobody is known by this credential, or it has expired"
	defer func() {
		if v := recover(); v != nil {
			g.log.LogAttrs(ctx, slog.LevelError, "an authenticator panicked", slog.Any("panic", v))
			err = convert.Refusal(codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED, text)
		}
	}()
	c, err := credentialOf(ctx)
	if err == nil {
		caller, err = identify(ctx, g.auth, c)
	}
	switch {
	case err == nil:
		return caller, nil
	case !errors.Is(err, ErrUnknownCaller) && !errors.Is(err, errExpired) && !errors.Is(err, errMalformed):
		g.log.LogAttrs(ctx, slog.LevelWarn, "an authenticator refuses", slog.Any("error", err))
	}
	if c == (Credential{}) {
		text = `goflow: a credential is missing or malformed: send the metadata "authorization: Bearer TOKEN", or a client certificate`
	}
	return caller, convert.Refusal(codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED, text)
}

// errStopped is the cause with which calls end when the server stops.
var errStopped = fmt.Errorf("goflow: the server stops, ask another: %w", port.ErrClosed)
