package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// call is one call under way.
type call struct {
	guard  *guard
	name   string
	began  time.Time
	cancel []func()
}

func (g *guard) unary(name string, next grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, dec func(any) error, i grpc.UnaryServerInterceptor) (out any, err error) {
		c, ctx, err := g.begin(ctx, name)
		defer func() { err = c.end(ctx, err, recover()) }()
		if err != nil {
			return nil, err
		}
		return next(srv, ctx, dec, i)
	}
}

func (g *guard) stream(name string, next grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, s grpc.ServerStream) (err error) {
		c, ctx, err := g.begin(s.Context(), name)
		defer func() { err = c.end(ctx, err, recover()) }()
		if err != nil {
			return err
		}
		return next(srv, &guardedStream{s, ctx})
	}
}

// guardedStream is a stream whose context is the guard's.
type guardedStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream has one
}

func (s *guardedStream) Context() context.Context { return s.ctx }

// RecvMsg ends with the stream's context. gRPC's own does so only with the caller's, and then tells it a status that is
// not the guard's, so it is left behind: it ends when the handler has.
func (s *guardedStream) RecvMsg(m any) error {
	received := make(chan func() error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				received <- func() error { panic(v) } // where the guard catches it
			}
		}()
		err := s.ServerStream.RecvMsg(m)
		received <- func() error { return err }
	}()
	select {
	case result := <-received:
		return result()
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// begin lets a call in. Its context ends when the call is over, with the
// caller's credential, and if it is a long one when the server stops. Whatever
// the error, c has to be ended.
func (g *guard) begin(ctx context.Context, name string) (c *call, _ context.Context, err error) {
	c = &call{guard: g, name: name, began: time.Now()}
	g.running.Add(1)
	if g.stopping.Err() != nil {
		return c, ctx, errStopped
	}
	if ctx, err = g.admit(ctx, name); err != nil {
		return c, ctx, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.longest(name))
	c.cancel = append(c.cancel, cancel)
	if caller, _ := CallerFromContext(ctx); !caller.Expires.IsZero() {
		ctx, cancel = context.WithDeadlineCause(ctx, caller.Expires, errExpired)
		c.cancel = append(c.cancel, cancel)
	}
	if g.methods[name].long {
		stoppable, stop := context.WithCancelCause(ctx)
		forget := context.AfterFunc(g.stopping, func() { stop(errStopped) })
		c.cancel = append(c.cancel, func() { stop(nil); forget() })
		ctx = stoppable
	}
	return c, ctx, nil
}

func (g *guard) longest(name string) time.Duration {
	if g.methods[name].long {
		return MaxCall
	}
	return g.timeout
}

// end returns the error as the caller is told of it.
func (c *call) end(ctx context.Context, err error, panicked any) error {
	defer c.guard.running.Add(-1)
	switch cause := context.Cause(ctx); {
	case panicked != nil:
		c.guard.log.LogAttrs(ctx, slog.LevelError, "a call panicked", append(c.attrs(ctx, codes.Internal),
			slog.String("panic", fmt.Sprintf("%.200v", panicked)), slog.String("stack", string(debug.Stack())))...)
		err = status.Error(codes.Internal, "goflow: "+c.name+" panicked; the server's log says where")
	case err == nil:
	case errors.Is(cause, errStopped):
		err = convert.Status(errStopped)
	case errors.Is(cause, errExpired) && !c.writes():
		err = convert.Refusal(codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED, "goflow: the credential has expired")
	default:
		err = statusOf(err)
	}
	if err != nil && panicked == nil {
		c.logFailure(ctx, err)
	}
	for _, cancel := range slices.Backward(c.cancel) {
		cancel()
	}
	return err
}

// writes tells whether a call is one that changes something and has no more than
// one answer: let in, it may have done so, and must not be told that it was not.
func (c *call) writes() bool {
	m := c.guard.methods[c.name]
	return !m.long && m.role != rpc.Role_ROLE_READ
}

// statusOf leaves a status as it is.
func statusOf(err error) error {
	var st interface{ GRPCStatus() *status.Status }
	if errors.As(err, &st) {
		return err
	}
	return convert.Status(err)
}

func (c *call) attrs(ctx context.Context, code codes.Code) []slog.Attr {
	attrs := []slog.Attr{slog.String("method", c.name), slog.String("code", code.String()), slog.Duration("took", time.Since(c.began))}
	if caller, ok := CallerFromContext(ctx); ok {
		attrs = append(attrs, slog.String("caller", caller.Name))
	}
	if p, ok := peer.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	return attrs
}

// logFailure gives a failed call its line. The text of an error that the caller
// made is not in it: it may name what the caller sent.
func (c *call) logFailure(ctx context.Context, err error) {
	code := status.Code(err)
	attrs, level := c.attrs(ctx, code), slog.LevelInfo
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.Unavailable:
		attrs, level = append(attrs, slog.String("error", status.Convert(err).Message())), slog.LevelError
	case codes.Unauthenticated, codes.PermissionDenied:
		level = slog.LevelWarn
	default:
	}
	c.guard.log.LogAttrs(ctx, level, "a call failed", attrs...)
}

// tap bounds how long a request may take to arrive. What follows sees only what
// has: the methods are called at once, and wait for it. A stop ends long calls at
// once, so what has not arrived of one is given up as long after the stop; to do so
// at once would tell callers whose requests are on their way that they cancelled them.
func (g *guard) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	bounded, cancel := context.WithTimeout(ctx, g.longest(info.FullMethodName)+late)
	context.AfterFunc(ctx, cancel) // gRPC ends the call's own context, and nobody tells the tap
	if g.methods[info.FullMethodName].long {
		forget := context.AfterFunc(g.stopping, func() { time.AfterFunc(late, cancel) })
		context.AfterFunc(ctx, func() { forget() })
	}
	return bounded, nil
}
