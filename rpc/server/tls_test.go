package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{t: t, cert: cert, key: key, dir: t.TempDir()}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	require.NoError(a.t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// sign makes a certificate and writes it, as NAME.pem and NAME.key.
func (a *authority) sign(name string, change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS serves certificates and tokens of all roles.
func serveTLS(t *testing.T, c *tls.Config) net.Addr {
	t.Helper()
	known := tokens()
	known.Certificates = []server.Certificate{
		{Name: "reader", Roles: []string{"read"}},
		{Name: "dns.example", Roles: []string{"read"}},
		{Name: "spiffe://example/reader", Roles: []string{"read"}},
		{Name: "pusher", Roles: []string{"push"}},
	}
	static, err := server.Static(known)
	require.NoError(t, err)
	w := newWorld(t)
	s, err := server.New(w.client, server.Authenticate(static), server.TLS(c))
	require.NoError(t, err)
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return lis.Addr()
}

// stats asks for what a reader may see: UNIMPLEMENTED is that it may.
func (ca *authority) stats(at net.Addr, token string, certs ...tls.Certificate) error {
	t := ca.t
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	conn, err := grpc.NewClient(at.String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, Certificates: certs})))
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // it is over
	ctx := t.Context()
	if token != "" {
		ctx = with(ctx, token)
	}
	_, err = rpc.NewGoFlowClient(conn).GetStats(ctx, &rpc.GetStatsRequest{})
	return err
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	ca.sign("server", nil)
	config, err := server.FileTLS(ca.path("server.pem"), ca.path("server.key"), ca.path("ca.pem"), nil)
	require.NoError(t, err)
	at := serveTLS(t, config)
	uri, err := url.Parse("spiffe://example/reader")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		token string
		cert  tls.Certificate
		want  codes.Code
	}{
		"CommonName":          {"", ca.sign("reader", nil), codes.Unimplemented},
		"DNSName":             {"", ca.sign("x", func(c *x509.Certificate) { c.DNSNames = []string{"dns.example"} }), codes.Unimplemented},
		"URI":                 {"", ca.sign("y", func(c *x509.Certificate) { c.URIs = []*url.URL{uri} }), codes.Unimplemented},
		"WrongRole":           {"", ca.sign("pusher", nil), codes.PermissionDenied},
		"UnknownName":         {"", ca.sign("nobody", nil), codes.Unauthenticated},
		"UnknownAuthority":    {"", stranger.sign("reader", nil), codes.Unavailable},
		"Expired":             {"", ca.sign("reader", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), codes.Unavailable},
		"None":                {"", tls.Certificate{}, codes.Unauthenticated},
		"Token":               {"read", tls.Certificate{}, codes.Unimplemented},
		"BadTokenBesideAGood": {"bad", ca.sign("reader", nil), codes.Unauthenticated},
		"GoodTokenBesideABad": {"read", ca.sign("nobody", nil), codes.Unimplemented},
		"TokenGoesFirst":      {"push", ca.sign("reader", nil), codes.PermissionDenied},
		"NameIsNotASubstring": {"", ca.sign("reader2", nil), codes.Unauthenticated},
		"NameIsCaseSensitive": {"", ca.sign("READER", nil), codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var certs []tls.Certificate
			if c.cert.Certificate != nil {
				certs = append(certs, c.cert)
			}
			err := ca.stats(at, c.token, certs...)
			require.Equal(t, c.want, status.Code(err), "%v", err)
		})
	}
}

// A program's own configuration may ask for certificates that nobody verifies.
func TestUnverifiedCertificateIsNoCredential(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign("server", nil)}, ClientAuth: tls.RequireAnyClientCert})
	err := ca.stats(at, "", stranger.sign("reader", nil))
	require.Equal(t, codes.Unauthenticated, status.Code(err), "%v", err)
}

func TestPlainTextStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"0.0.0.0:0", "[::]:0"} {
		lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
		if err != nil {
			continue // there is no IPv6 here
		}
		s, err := server.New(newWorld(t).client, server.Authenticate(server.Anyone()))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // should it serve
		err = s.Serve(ctx, lis)
		cancel()
		require.ErrorIs(t, err, port.ErrInvalid)
		require.ErrorContains(t, err, "give server.TLS, listen on 127.0.0.1, or allow it by server.PlainText")
		_, err = (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", lis.Addr().String())
		require.Error(t, err, "the listener is closed")
	}
}

func TestTLSWantsWhatItNeeds(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.sign("server", nil)
	_, err := server.FileTLS(ca.path("none.pem"), ca.path("server.key"), "", nil)
	require.ErrorContains(t, err, "none.pem")
	_, err = server.FileTLS(ca.path("server.pem"), ca.path("server.key"), ca.path("server.key"), nil)
	require.ErrorIs(t, err, port.ErrInvalid)
}
