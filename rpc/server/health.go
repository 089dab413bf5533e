package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/rpc"
)

// health is gRPC's health service, which everybody may call. It tells whether
// the server takes calls; whether its parts answer is for /readyz to say. It is
// not gRPC's own, whose watches would outlast the server's stop.
type health struct {
	healthpb.UnimplementedHealthServer
	stopping context.Context //nolint:containedctx // it is the server's life
}

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
	noService  = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
)

func (h *health) status(name string) healthpb.HealthCheckResponse_ServingStatus {
	switch {
	case name != "" && name != rpc.GoFlow_ServiceDesc.ServiceName:
		return noService
	case h.stopping.Err() != nil:
		return notServing
	}
	return serving
}

func (h *health) Check(_ context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	st := h.status(req.GetService())
	if st == noService {
		return nil, status.Error(codes.NotFound, "goflow: health: ask for goflow.GoFlow, or for nothing")
	}
	return &healthpb.HealthCheckResponse{Status: st}, nil
}

func (h *health) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	all := map[string]*healthpb.HealthCheckResponse{}
	for _, name := range []string{"", rpc.GoFlow_ServiceDesc.ServiceName} {
		all[name] = &healthpb.HealthCheckResponse{Status: h.status(name)}
	}
	return &healthpb.HealthListResponse{Statuses: all}, nil
}

// Watch tells of the stop, and ends with it.
func (h *health) Watch(req *healthpb.HealthCheckRequest, out grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	if st := h.status(req.GetService()); st != notServing {
		if err := out.Send(&healthpb.HealthCheckResponse{Status: st}); err != nil {
			return err
		}
	}
	select {
	case <-h.stopping.Done():
	case <-out.Context().Done():
		return status.FromContextError(out.Context().Err()).Err()
	}
	if h.status(req.GetService()) == notServing {
		if err := out.Send(&healthpb.HealthCheckResponse{Status: notServing}); err != nil {
			return err
		}
	}
	return status.Error(codes.Unavailable, errStopped.Error())
}
