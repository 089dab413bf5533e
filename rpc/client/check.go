package client

import (
	"context"
	"fmt"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
)

// Check asks a server whether it serves, which needs no credential.
// goflow.ErrUnavailable: none answers, or it stops.
func (c *Client) Check(ctx context.Context) error {
	answer, err := healthpb.NewHealthClient(c.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: rpc.GoFlow_ServiceDesc.ServiceName})
	if err != nil {
		return readError(ctx, "server "+c.conn.Target(), err)
	}
	if status := answer.GetStatus(); status != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("goflow: server %s is %s: %w", c.conn.Target(), status, goflow.ErrUnavailable)
	}
	return nil
}
