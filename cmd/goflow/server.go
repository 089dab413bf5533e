package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/metrics"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// serving is the command's settings, beside those that all commands have.
type serving struct {
	*redrive // the dead letters
	loader   *config.Loader
	own      config.Settings
	log      *slog.Logger
	meter    cost.Meter // of its calls to AWS
}

func newServer(c *cli) *cobra.Command {
	s := &serving{redrive: &redrive{dlq: dlq{cli: c}}, loader: c.server}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Serve the queue over gRPC to programs without AWS",
		Example: `  goflow server
  goflow server --grpc-addr 0.0.0.0:9090 --tls-cert cert.pem --tls-key key.pem --credentials callers.yaml`,
		Long: `Serve the queue, its records and its dead letters over gRPC, until a signal: then health says so, what runs gets the drain
time, and what waits is told to ask another server. Servers keep nothing: run as many as you like.

Without --credentials whoever reaches the server may do everything, so it has to listen on this machine only.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	settingFlags(cmd.Flags(), s.loader)
	return cmd
}

func (s *serving) run(ctx context.Context) (err error) {
	if s.own, err = s.loader.Load(); err != nil {
		return err
	}
	s.log = program.NewLogger(s.own, s.around)
	opts, err := s.access()
	if err != nil {
		return err
	}
	if err := s.direct("server"); err != nil {
		return err
	}
	s.watch = append(s.watch, s.meter.Watch)
	settings, parts, err := s.open(ctx, "queue-url", "table")
	if err != nil {
		return err
	}
	client, err := goflow.NewClient(parts.Queue, parts.Table, goflow.RecordTTL(settings.RecordTTL))
	if err != nil {
		return err
	}
	if err := checked(ctx, parts); err != nil {
		return err
	}
	more, err := s.contents(ctx, parts)
	if err != nil {
		return err
	}
	srv, err := server.New(client, append(opts, more...)...)
	if err != nil {
		return err
	}
	return errors.Join(s.serve(ctx, srv), client.Close())
}

// serve listens until ctx ends.
func (s *serving) serve(ctx context.Context, srv *server.Server) error {
	_, stop, err := program.ServeProbes(ctx, s.own.HTTPAddr, s.watched(srv.Probes()), func(err error) {
		s.log.ErrorContext(ctx, "health server ended", slog.Any("error", err))
	})
	if err != nil {
		return config.Errorf("%s: %v: give a free host:port, or off", s.loader.Where("http-addr"), err)
	}
	defer stop()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.own.GRPCAddr)
	if err != nil {
		return config.Errorf("%s: %v: give a free host:port", s.loader.Where("grpc-addr"), err)
	}
	s.log.InfoContext(ctx, "server listens", slog.String("address", listener.Addr().String()))
	return srv.Serve(ctx, listener)
}

// watched is what answers whoever watches the process.
func (s *serving) watched(probes http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", probes)
	mux.Handle("GET /metrics", metrics.Handler(&s.meter))
	return mux
}

// access says who may call.
func (s *serving) access() ([]server.Option, error) {
	// Workers share the setting, and drain for longer. No call lasts longer than MaxCall.
	opts := []server.Option{server.Logger(s.log), server.Drain(min(s.own.Drain, server.MaxCall))}
	if s.own.Reflection {
		opts = append(opts, server.Reflection())
	}
	if s.own.PlainText {
		opts = append(opts, server.PlainText())
	}
	if s.own.TLSCert != "" || s.own.TLSKey != "" || s.own.TLSClientCA != "" {
		if s.own.TLSCert == "" || s.own.TLSKey == "" {
			return nil, config.Errorf("%s and %s go together: give both, or none for plain text", s.loader.Where("tls-cert"), s.loader.Where("tls-key"))
		}
		tls, err := server.FileTLS(s.own.TLSCert, s.own.TLSKey, s.own.TLSClientCA, s.log)
		if err != nil {
			return nil, err
		}
		opts = append(opts, server.TLS(tls))
	}
	auth, err := s.authenticator()
	return append(opts, server.Authenticate(auth)), err
}

func (s *serving) authenticator() (server.Authenticator, error) {
	if s.own.Credentials != "" {
		return server.CredentialsFile(s.own.Credentials, s.log)
	}
	host, _, err := net.SplitHostPort(s.own.GRPCAddr)
	if err != nil {
		return nil, config.Errorf("%s: %v: give host:port, as in 127.0.0.1:9090", s.loader.Where("grpc-addr"), err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, config.Errorf("%s %s: others reach it, and everybody could do everything: give --credentials, or listen on 127.0.0.1",
			s.loader.Where("grpc-addr"), s.own.GRPCAddr)
	}
	return server.Anyone(rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ, rpc.Role_ROLE_ADMIN), nil
}

// contents are what is served beside the client.
func (s *serving) contents(ctx context.Context, parts config.Parts) ([]server.Option, error) {
	queue := server.Queue{Size: parts.Queue}
	opts := []server.Option{server.Ready("queue", parts.Queue), server.Ready("table", parts.Table)}
	if parts.Dead != nil {
		queue.Dead = parts.Dead
		letters, err := s.letters(ctx, "queue-url", "table")
		if err != nil {
			return nil, err
		}
		redriveAll, err := s.redriveAll(ctx)
		if err != nil {
			return nil, err
		}
		opts = append(opts, server.AdminDeadLetters(letters), server.RedriveAll(redriveAll))
	}
	return append(opts, server.Queues(queue)), nil
}

// redriveAll lets SQS move everything. The settings are read once: calls come side by side.
func (s *serving) redriveAll(ctx context.Context) (func(context.Context, func(server.Move)) (server.Move, error), error) {
	client, in, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, progress func(server.Move)) (server.Move, error) {
		move := func(m sqs.MoveStatus) server.Move { return server.Move{Moved: m.Moved, Total: m.Total, Found: m.Found} }
		in := in
		in.Progress = func(m sqs.MoveStatus) { progress(move(m)) }
		status, err := sqs.Move(ctx, client, in)
		return move(status), err
	}, nil
}
