package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

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

// TLSFiles is TLS by files in PEM: the authorities that the server's certificate
// is judged by, the system's if ca is empty, and this client's own certificate
// and key, which may both be empty. The certificate is read again for each
// connection, so that it can be renewed. A file that cannot be read, or has none
// in it, is goflow.ErrInvalid.
func TLSFiles(ca, cert, key string) Option {
	return func(o *options) (err error) {
		if o.tls, err = readTLS(ca, cert, key); err != nil {
			return fmt.Errorf("goflow: client: %w TLSFiles: %w", goflow.ErrInvalid, err)
		}
		return nil
	}
}

func readTLS(ca, cert, key string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca) //nolint:gosec // the program names it
		if err != nil {
			return nil, err
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: there is no certificate in it", ca)
		}
	}
	if cert == "" && key == "" {
		return c, nil
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &pair, err
	}
	_, err := c.GetClientCertificate(nil)
	return c, err
}

// Token is a bearer token that goes with each call: printable ASCII without
// spaces. It goes over plain text only to an address of this machine, or with
// PlainText.
func Token(token string) Option {
	return func(o *options) error {
		o.token = func(context.Context) (string, error) { return token, nil }
		return checkToken(token)
	}
}

// TokenFunc is asked for the token of each call, so that it can be renewed. It is
// called by many goroutines at a time and should remember what it fetched. Pushes
// at the same time share a call, so it must not tell callers apart by their
// contexts: use one client for each identity. A call for which it fails is not sent, and counts as goflow.ErrUnavailable.
func TokenFunc(f func(context.Context) (string, error)) Option {
	return func(o *options) error {
		if f == nil {
			return fmt.Errorf("goflow: client: %w TokenFunc(nil): leave it out", goflow.ErrInvalid)
		}
		o.token = f
		return nil
	}
}

// GRPC adds options of gRPC's, which win over the client's own.
func GRPC(opts ...grpc.DialOption) Option {
	return func(o *options) error { o.dial = append(o.dial, opts...); return nil }
}

// With adds options of goflow.NewRemoteClient.
func With(opts ...goflow.ClientOption) Option {
	return func(o *options) error { o.client = append(o.client, opts...); return nil }
}
