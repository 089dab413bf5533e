package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
)

// Server serves what a client of GoFlow's can do. It keeps nothing of its own, so
// that any number of them may stand side by side. It is safe for concurrent use.
type Server struct {
	o       options
	guard   *guard
	service *service
	health  *health
	probes  *probes
}

// New returns a server of what client pushes to and reads from; a port.Remote is
// served through goflow.NewRemoteClient. The client stays the caller's to close,
// after the server has stopped. port.ErrInvalid: an option is bad, or there is
// no Authenticator.
func New(client *goflow.Client, opts ...Option) (*Server, error) {
	o := options{timeout: DefaultHandlerTimeout, drain: DefaultDrain, log: slog.Default()}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(&o))
	}
	if len(o.auth) == 0 {
		errs = append(errs, fmt.Errorf("goflow: server: %w options: nobody could call: "+
			"give server.Authenticate, with server.Anyone if that is meant", port.ErrInvalid))
	}
	g := newGuard(&o)
	s := &Server{
		o: o, guard: g, service: &service{client: client, remote: client.Remote(), o: &o},
		health: &health{stopping: g.stopping}, probes: newProbes(o.checks, o.log, g.stopping),
	}
	return s, errors.Join(errs...)
}

// Register mounts the service, guard included, on a gRPC server of the
// program's own, whose limits, encryption, health and stop are the program's:
// [Server.Shutdown] goes before its GracefulStop.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(s.guard.service(&rpc.GoFlow_ServiceDesc), s.service)
}

// Shutdown refuses new calls and ends waits, watches and other streams, with
// UNAVAILABLE; other calls run on. Health and /readyz say so first. It returns at
// once, and cannot be undone.
func (s *Server) Shutdown() {
	s.guard.stop(errStopped)
}

// Serve serves on lis until ctx ends, then stops: Shutdown, then it waits for
// running calls as long as Drain says, then cuts the rest off, which is an error
// that says how many. lis is closed in the end, in any case. port.ErrInvalid:
// without TLS or PlainText it serves only on the loopback interface and Unix
// sockets. A server serves once; afterwards port.ErrClosed.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	if err := s.allowed(lis.Addr()); err != nil {
		_ = lis.Close()
		return err
	}
	gs := grpc.NewServer(s.grpcOptions()...)
	s.Register(gs) //nolint:contextcheck // calls have their own
	healthpb.RegisterHealthServer(gs, s.health)
	if s.o.reflection {
		reflection.Register(registrar{gs, s.guard})
	}
	done := make(chan error, 1)
	go func() { done <- gs.Serve(lis) }()
	select {
	case err := <-done:
		s.Shutdown()
		gs.Stop()
		return fmt.Errorf("goflow: server: %w", err)
	case <-ctx.Done():
		s.Shutdown()
		err := s.drain(gs)
		if served := <-done; !errors.Is(served, grpc.ErrServerStopped) { // it was stopped before it began
			err = errors.Join(err, served)
		}
		return err
	}
}

func (s *Server) allowed(at net.Addr) error {
	tcp, isTCP := at.(*net.TCPAddr)
	switch {
	case s.guard.stopping.Err() != nil:
		return fmt.Errorf("goflow: server: it has served: %w", port.ErrClosed)
	case s.o.tls != nil, s.o.plainText, at.Network() == "unix", isTCP && tcp.IP.IsLoopback():
		return nil
	}
	return fmt.Errorf("goflow: server: %w address %s for plain text: give server.TLS, listen on 127.0.0.1, "+
		"or allow it by server.PlainText", port.ErrInvalid, at)
}

// drain waits for running calls.
func (s *Server) drain(gs *grpc.Server) error {
	graceful := make(chan struct{})
	go func() {
		gs.GracefulStop()
		close(graceful)
	}()
	timer := time.NewTimer(s.o.drain)
	defer timer.Stop()
	select {
	case <-graceful:
		return nil
	case <-timer.C:
	}
	left := s.guard.running.Load()
	gs.Stop()
	if left == 0 {
		return nil // only connections that say nothing any more
	}
	return fmt.Errorf("goflow: server: %d calls still ran after %v and were cut off", left, s.o.drain)
}

func (s *Server) grpcOptions() []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.InTapHandle(s.guard.tap),
		grpc.MaxRecvMsgSize(DefaultMaxRequestBytes),
		grpc.MaxConcurrentStreams(DefaultMaxStreams),
		grpc.MaxHeaderListSize(DefaultMaxHeaderBytes),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.ConnectionTimeout(DefaultConnectTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: DefaultMinPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: DefaultMaxConnectionIdle, MaxConnectionAge: DefaultMaxConnectionAge,
			MaxConnectionAgeGrace: MaxCall, Time: DefaultKeepAlive, Timeout: DefaultKeepAliveTimeout,
		}),
	}
	if s.o.tls != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.o.tls)))
	}
	return append(opts, s.o.grpc...)
}
