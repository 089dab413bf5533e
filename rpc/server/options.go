package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Option configures a server. A bad value is port.ErrInvalid from New.
type Option func(*options) error

type options struct {
	auth       []Authenticator
	queues     []Queue
	dead       DeadLetters
	redriveAll RedriveAllFunc
	checks     []check
	tls        *tls.Config
	plainText  bool
	reflection bool
	timeout    time.Duration
	drain      time.Duration
	log        *slog.Logger
	grpc       []grpc.ServerOption
}

// Queue is a queue whose size GetStats tells.
type Queue struct {
	// Name is what a push names it by; "" for the client's own.
	Name string
	// Size is the queue's broker. It is needed.
	Size port.Sizer
	// Dead is the broker of its dead letters; nil: not known here.
	Dead port.Sizer
}

// DeadLetters is what admin methods serve; a goflow.DeadLetterQueue is one.
type DeadLetters interface {
	List(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Redrive(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Settle(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Drop(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
}

// Move is how far a redrive of all dead letters is.
type Move struct {
	Moved, Total int64
	// Found: it was under way already.
	Found bool
}

// RedriveAllFunc lets the broker move all dead letters back to their queue, and
// returns when they are, or when ctx ends. It calls progress, never at the same
// time as itself, with each look at the move.
type RedriveAllFunc func(ctx context.Context, progress func(Move)) (Move, error)

// Authenticate asks these who calls, one after the other, until one knows the
// credential. At least one is needed, even if it is [Anyone].
func Authenticate(a ...Authenticator) Option {
	return func(o *options) error { o.auth = append(o.auth, a...); return nil }
}

// Queues are what GetStats answers for, the client's own first. Without them it
// is UNIMPLEMENTED.
func Queues(q ...Queue) Option {
	return func(o *options) error {
		for _, one := range q {
			if one.Size == nil {
				return fmt.Errorf("goflow: server: %w queue %.80q: Size is nil, give its broker", port.ErrInvalid, one.Name)
			}
		}
		o.queues = append(o.queues, q...)
		return nil
	}
}

// AdminDeadLetters serves the admin methods. Without it they are UNIMPLEMENTED.
func AdminDeadLetters(q DeadLetters) Option {
	return func(o *options) error { o.dead = q; return nil }
}

// RedriveAll serves RedriveAllDeadLetters. Without it that is UNIMPLEMENTED.
func RedriveAll(f RedriveAllFunc) Option {
	return func(o *options) error { o.redriveAll = f; return nil }
}

// Ready makes /readyz of [Server.Probes] ask a part, which its name tells apart.
func Ready(name string, c port.Checker) Option {
	return func(o *options) error { o.checks = append(o.checks, check{name, c}); return nil }
}

// TLS encrypts what Serve serves; see [FileTLS]. Client certificates that c has
// verified are credentials.
func TLS(c *tls.Config) Option {
	return func(o *options) error { o.tls = c; return nil }
}

// PlainText lets Serve listen without TLS where others than this machine can
// reach it: tokens and payloads can then be read on the way, unless something in
// front of the server encrypts them.
func PlainText() Option {
	return func(o *options) error { o.plainText = true; return nil }
}

// Reflection lets callers with the role read ask Serve's server for its
// methods. It is off unless set.
func Reflection() Option {
	return func(o *options) error { o.reflection = true; return nil }
}

// HandlerTimeout is the longest that a call other than WaitTask and streams may
// take: 1 ms to an hour, DefaultHandlerTimeout unless set.
func HandlerTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d < time.Millisecond || d > MaxCall {
			return fmt.Errorf("goflow: server: %w HandlerTimeout(%v): give 1ms to %v", port.ErrInvalid, d, MaxCall)
		}
		o.timeout = d
		return nil
	}
}

// Drain is how long Serve waits for running calls when it stops: 0 to an hour,
// DefaultDrain unless set.
func Drain(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 || d > MaxCall {
			return fmt.Errorf("goflow: server: %w Drain(%v): give 0s to %v", port.ErrInvalid, d, MaxCall)
		}
		o.drain = d
		return nil
	}
}

// Logger gets a line for each call that failed, without payloads. slog.Default
// unless set.
func Logger(log *slog.Logger) Option {
	return func(o *options) error { o.log = log; return nil }
}

// GRPC adds options of gRPC's to Serve's server; they win over its own. The tap
// handle is taken. Interceptors of unary calls run once the caller is known.
func GRPC(opts ...grpc.ServerOption) Option {
	return func(o *options) error { o.grpc = append(o.grpc, opts...); return nil }
}
