package server

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/jamesTait-jt/goflow/rpc"
)

// Credential is what a caller shows.
type Credential struct {
	// Token is that of "authorization: Bearer TOKEN"; empty without one.
	Token string
	// Certificate is the client's, of a chain that TLS has verified; else nil.
	Certificate *x509.Certificate
}

// Caller is who calls.
type Caller struct {
	// Name is what the log calls them.
	Name string
	// Roles are what they may do. None includes another.
	Roles []rpc.Role
	// Expires ends the calls that still run then; zero: never.
	Expires time.Time
}

// Authenticator says who shows a credential. It is asked for each call, before the
// request is read, by many goroutines at a time.
type Authenticator interface {
	// Authenticate returns the caller, or ErrUnknownCaller if the credential is not
	// one that this Authenticator judges, so that the next is asked. Any other error
	// refuses the call; the log has its text, the caller has not.
	Authenticate(ctx context.Context, c Credential) (Caller, error)
}

// ErrUnknownCaller is an Authenticator's for a credential that is not of its
// sort, or none. Nobody is let in for it.
var ErrUnknownCaller = errors.New("the credential is unknown")

// errExpired is that of a credential whose time is over.
var errExpired = errors.New("the credential has expired")

// errMalformed is that of a credential that cannot be read.
var errMalformed = errors.New("the metadata authorization is not one Bearer token")

// Anyone gives roles to all who show no token. A token is never ignored: whoever
// sends one that nobody knows is refused.
func Anyone(roles ...rpc.Role) Authenticator { return anyone(roles) }

type anyone []rpc.Role

func (a anyone) Authenticate(_ context.Context, c Credential) (Caller, error) {
	if c.Token != "" {
		return Caller{}, ErrUnknownCaller
	}
	return Caller{Name: "anyone", Roles: a}, nil
}

// credentialOf reads what a call shows.
func credentialOf(ctx context.Context) (c Credential, err error) {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
			c.Certificate = info.State.VerifiedChains[0][0]
		}
	}
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return c, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return c, errMalformed
	}
	c.Token = token
	return c, nil
}

// identify asks one Authenticator after the other.
func identify(ctx context.Context, auth []Authenticator, c Credential) (Caller, error) {
	for _, a := range auth {
		caller, err := a.Authenticate(ctx, c)
		switch {
		case errors.Is(err, ErrUnknownCaller):
			continue
		case err == nil && !caller.Expires.IsZero() && !time.Now().Before(caller.Expires):
			return caller, errExpired
		}
		return caller, err
	}
	return Caller{}, ErrUnknownCaller
}
