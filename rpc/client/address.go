package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow"
)

// address is a target as gRPC takes it.
type address struct {
	target  string
	options []grpc.DialOption
	local   bool // all of it is on this machine
}

func addressOf(target string) (address, error) {
	hosts := strings.Split(target, ",")
	if len(hosts) == 1 && strings.Contains(target, ":///") || strings.HasPrefix(target, "unix:") {
		return address{target: target, local: localTarget(target)}, nil
	}
	a, state := address{target: target, local: true}, resolver.State{}
	for _, host := range hosts {
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			return a, fmt.Errorf("goflow: client: %w target %.200q: %w: give host:port, or several with commas between", goflow.ErrInvalid, target, err)
		}
		a.local = a.local && loopback(name)
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: host, ServerName: name}}})
	}
	if len(hosts) == 1 {
		a.target = "dns:///" + target
		return a, nil
	}
	fixed := manual.NewBuilderWithScheme("goflow")
	fixed.InitialState(state)
	a.target, a.options = "goflow:///servers", []grpc.DialOption{grpc.WithResolvers(fixed)}
	return a, nil
}

func localTarget(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	name, _, err := net.SplitHostPort(strings.TrimPrefix(u.Path, "/"))
	return u.Scheme == "unix" || u.Scheme == "unix-abstract" || err == nil && loopback(name)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// security encrypts, and adds the token.
func (o *options) security(a address) ([]grpc.DialOption, error) {
	if o.plainText && o.tls != nil {
		return nil, fmt.Errorf("goflow: client: %w PlainText beside TLS: leave one of the two out", goflow.ErrInvalid)
	}
	encryption, plain := credentials.NewTLS(o.tls), false
	switch {
	case o.tls == nil && (o.plainText || a.local):
		encryption, plain = insecure.NewCredentials(), true
	case o.tls == nil:
		encryption = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	opts := []grpc.DialOption{grpc.WithTransportCredentials(encryption)}
	if o.token != nil {
		opts = append(opts, grpc.WithPerRPCCredentials(bearer{o.token, !plain}))
	}
	return opts, nil
}

// bearer puts the token into each call's metadata.
type bearer struct {
	token  func(context.Context) (string, error)
	secure bool
}

// GetRequestMetadata returns the token's.
func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil { // the next call may get one
		return nil, status.Error(codes.Unavailable, "token: "+err.Error())
	}
	if err := checkToken(token); err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity refuses plain text, unless that is wanted.
func (b bearer) RequireTransportSecurity() bool { return b.secure }

// checkToken keeps what would spoil the metadata, such as the end of a file's
// line, from being sent.
func checkToken(token string) error {
	bad := strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	if token == "" {
		return fmt.Errorf("goflow: client: %w token: it is empty, leave it out", goflow.ErrInvalid)
	}
	if bad >= 0 {
		return fmt.Errorf("goflow: client: %w token of %d bytes: byte %d is not printable ASCII: trim it", goflow.ErrInvalid, len(token), bad)
	}
	return nil
}
