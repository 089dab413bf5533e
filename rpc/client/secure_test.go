package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// certified makes a certificate for this machine, its own authority, for servers and clients, and returns its files.
func certified(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "me"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	return cert, key
}

func push(t *testing.T, c *client.Client) error {
	t.Helper()
	_, err := c.Push(t.Context(), "x", json.RawMessage(one))
	return err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certified(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	f := start(t, &fake{}, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	trusting := client.TLSFiles(cert, "", "")

	c := dial(t, f.address, trusting, client.Token("mine"))
	require.NoError(t, push(t, c))
	require.Equal(t, []string{"Bearer mine"}, f.tokens)
	for name, target := range map[string]string{
		"several": "127.0.0.1:1,localhost" + strings.TrimPrefix(f.address, "127.0.0.1"),
		"gRPC's":  "dns:///" + f.address,
	} {
		require.NoError(t, push(t, dial(t, target, trusting)), name)
	}
	for name, opts := range map[string][]client.Option{
		"unknown authority": {client.TLS(insecureTLS())},
		"plain text":        nil,
	} {
		require.ErrorIs(t, push(t, dial(t, f.address, opts...)), goflow.ErrUnavailable, name)
	}
}

// A certificate says who calls, in the place of a token.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certified(t)
	config, err := server.FileTLS(cert, key, cert, nil)
	require.NoError(t, err)
	static, err := server.Static(server.Credentials{Certificates: []server.Certificate{{Name: "me", Roles: []string{"push"}}}})
	require.NoError(t, err)
	address := serve(t, server.TLS(config), server.Authenticate(static))

	require.NoError(t, push(t, dial(t, address, client.TLSFiles(cert, cert, key))))
	require.ErrorIs(t, push(t, dial(t, address, client.TLSFiles(cert, "", ""))), goflow.ErrRefused)
}

// What is not on this machine gets a token over TLS, or not at all, unless the
// program says that it may be read on the way.
func TestTokenIsNotSentOverPlainText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target string
		option client.Option
		sent   bool
	}{
		"Elsewhere":      {"192.0.2.1:9090", nil, false},
		"AlsoElsewhere":  {"127.0.0.1:9090,192.0.2.1:9090", nil, false},
		"ElsewhereFirst": {"192.0.2.1:9090,127.0.0.1:9090", nil, false},
		"Named":          {"passthrough:///192.0.2.1:9090", nil, false},
		"Everywhere":     {":9090", nil, false},
		"AsIsWanted":     {"192.0.2.1:9090", client.PlainText(), true},
		"Here":           {"127.0.0.1:9090", nil, true},
		"HereByIPv6":     {"[::1]:9090", nil, true},
		"HereByName":     {"dns:///localhost:9090", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, &fake{})
			opts := []client.Option{client.Token("secret"), client.GRPC(grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", f.address)
			}))}
			if c.option != nil {
				opts = append(opts, c.option)
			}
			err := push(t, dial(t, c.target, opts...))
			if c.sent {
				require.NoError(t, err)
				require.Equal(t, []string{"Bearer secret"}, f.tokens)
				return
			}
			require.ErrorIs(t, err, goflow.ErrUnavailable)
			require.Empty(t, f.got())
		})
	}
}

func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{})
	var n atomic.Int32
	c := dial(t, f.address, client.TokenFunc(func(context.Context) (string, error) {
		if n.Add(1) == 3 {
			return "", errors.New("not now")
		}
		return fmt.Sprint("token-", n.Load()), nil
	}))
	for range 3 {
		require.NoError(t, push(t, c))
	}
	require.Equal(t, []string{"Bearer token-1", "Bearer token-2", "Bearer token-4"}, f.tokens)
}

func TestTokenThatCannotBeHad(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{})
	c := dial(t, f.address, client.TokenFunc(func(context.Context) (string, error) { return "", errors.New("no token today") }))
	err := push(t, c)
	require.ErrorIs(t, err, goflow.ErrUnavailable)
	require.ErrorContains(t, err, "no token today")

	c = dial(t, f.address, client.TokenFunc(func(context.Context) (string, error) { return "secret\n", nil }))
	err = push(t, c)
	require.ErrorIs(t, err, goflow.ErrRefused)
	require.NotContains(t, err.Error(), "secret")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	c = dial(t, f.address, client.TokenFunc(func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}))
	err = c.Cancel(ctx, goflow.IDFrom("a"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, goflow.ErrAmbiguous)
	require.Empty(t, f.got())
	require.Zero(t, f.cancels)
}
