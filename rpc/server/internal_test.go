package server

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/rpc"
)

// A method that somebody adds to the protos without saying whose it is.
func TestMethodWithoutARoleIsNobodys(t *testing.T) {
	t.Parallel()
	everything := Anyone(rpc.Role_ROLE_UNSPECIFIED, rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ, rpc.Role_ROLE_ADMIN)
	g := newGuard(&options{auth: []Authenticator{everything}, log: slog.New(slog.DiscardHandler), timeout: MaxCall})
	for name, service := range map[string]string{"of ours": rpc.GoFlow_ServiceDesc.ServiceName, "of others": "other.Service"} {
		d := g.service(&grpc.ServiceDesc{
			ServiceName: service,
			Methods: []grpc.MethodDesc{{MethodName: "New", Handler: func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
				return "called", nil
			}}},
		})
		got, err := d.Methods[0].Handler(nil, t.Context(), nil, nil)
		require.Nil(t, got, name)
		require.Equal(t, codes.PermissionDenied, status.Code(err), name)
	}
}
