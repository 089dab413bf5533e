package client

import (
	"context"
	"crypto/tls"
	"fmt"

	"google.golang.org/grpc"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Option configures Dial. A bad value is goflow.ErrInvalid there.
type Option func(*options) error

type options struct {
	tls       *tls.Config
	plainText bool
	token     func(context.Context) (string, error)
	dial      []grpc.DialOption
	client    []goflow.ClientOption
}

// TLS sets how the connection is encrypted, a client certificate included. Unless
// set, it is by the system's authorities, and not at all to an address of this
// machine.
func TLS(c *tls.Config) Option {
	return func(o *options) error {
		if c == nil {
			return fmt.Errorf("goflow: client: %w TLS(nil): leave it out for the system's authorities", goflow.ErrInvalid)
		}
		o.tls = c
		return nil
	}
}

// PlainText does without TLS, to other machines too: tokens and payloads can then
// be read on the way.
func PlainText() Option {
	return func(o *options) error { o.plainText = true; return nil }
}

// Token is a bearer token that goes with each call.
func Token(token string) Option {
	return TokenFunc(func(context.Context) (string, error) { return token, nil })
}

// TokenFunc is asked for the token of each call, so that it can be renewed. It is
// called by many goroutines at a time and should remember what it fetched.
func TokenFunc(f func(context.Context) (string, error)) Option {
	return func(o *options) error { o.token = f; return nil }
}

// GRPC adds options of gRPC's, which win over the client's own.
func GRPC(opts ...grpc.DialOption) Option {
	return func(o *options) error { o.dial = append(o.dial, opts...); return nil }
}

// With adds options of goflow.NewRemoteClient.
func With(opts ...goflow.ClientOption) Option {
	return func(o *options) error { o.client = append(o.client, opts...); return nil }
}
