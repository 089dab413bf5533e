package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// The SHA-256 of "one" and of "two".
const (
	one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
	two = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"tokens:\n- name: me\n  sha256: " + one + "\n  roles: [push, read]\n  expires: 2099-01-01T00:00:00Z\n",
		`{"tokens": [{"name": "me", "sha256": "` + strings.ToUpper(one) + `", "roles": ["push", "read"], "expires": "2099-01-01T00:00:00Z"}]}`,
	} {
		a, err := server.CredentialsFile(file(t, text), nil)
		require.NoError(t, err)
		caller, err := a.Authenticate(t.Context(), server.Credential{Token: "one"})
		require.NoError(t, err)
		require.Equal(t, server.Caller{
			Name: "me", Roles: []rpc.Role{rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ}, Expires: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		}, caller)
		for _, c := range []server.Credential{{}, {Token: "two"}, {Token: one}, {Certificate: &x509.Certificate{}}} {
			_, err = a.Authenticate(t.Context(), c)
			require.ErrorIs(t, err, server.ErrUnknownCaller)
		}
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tokens: [{name: me, sha256: secret, roles: [push]}]":               "token 1 (me): sha256 is not 64 hexadecimal digits",
		"tokens: [{name: me, sha256: " + one + "}]":                         "one or more roles",
		"tokens: [{sha256: " + one + ", roles: [push]}]":                    "give it a name",
		"tokens: [{name: me, sha256: " + one + ", roles: [root]}]":          `role "root": give push, read or admin`,
		"tokens: [{name: me, sha256: " + one + ", roles: [unspecified]}]":   "give push, read or admin",
		"certificates: [{roles: [push]}]":                                   "certificate 1",
		"tokens: [{name: me, sha256: " + one + ", roles: [push], ttl: 1h}]": "ttl",
	} {
		_, err := server.CredentialsFile(file(t, text), nil)
		require.ErrorIs(t, err, port.ErrInvalid, text)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "credentials.yaml")
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := server.CredentialsFile("nowhere.yaml", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestChangedFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	token := func(digest string) string { return "tokens: [{name: me, sha256: " + digest + ", roles: [push]}]" }
	t.Run("Credentials", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			log := &buffer{}
			path := file(t, token(one))
			a, err := server.CredentialsFile(path, slog.New(slog.NewTextHandler(log, nil)))
			require.NoError(t, err)
			known := func(token string) bool {
				time.Sleep(2 * time.Second)
				_, err := a.Authenticate(context.Background(), server.Credential{Token: token})
				return err == nil
			}
			require.True(t, known("one"))
			require.NoError(t, os.WriteFile(path, []byte("tokens: [{}, {}, {}]"), 0o600))
			require.True(t, known("one"), "what was read before holds")
			require.True(t, known("one"))
			require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
			require.NoError(t, os.WriteFile(path, []byte(token(two)+"\n"), 0o600))
			require.True(t, known("two"))
			require.False(t, known("one"))
		})
	})
	t.Run("Certificates", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t)
		ca.sign("server", nil)
		synctest.Test(t, func(t *testing.T) {
			config, err := server.FileTLS(ca.path("server.pem"), ca.path("server.key"), "", slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			first := served(t, config)
			require.Equal(t, first, served(t, config))
			ca.sign("server", func(c *x509.Certificate) { c.Subject.CommonName = "another, that is longer" })
			time.Sleep(2 * time.Second)
			require.NotEqual(t, first, served(t, config))
		})
	})
}

func served(t *testing.T, c *tls.Config) []byte {
	t.Helper()
	got, err := c.GetConfigForClient(nil)
	require.NoError(t, err)
	require.Contains(t, got.NextProtos, "h2")
	return got.Certificates[0].Certificate[0]
}

// What could not be read is tried again, also if the file looks as it did: a
// token that was taken out of it is to be refused once it can be read.
func TestFileThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, folder := &buffer{}, t.TempDir()
		token := func(digest string) string { return "tokens: [{name: me, sha256: " + digest + ", roles: [push]}]" }
		path, target := filepath.Join(folder, "link"), filepath.Join(folder, "file")
		require.NoError(t, os.WriteFile(path, []byte(token(one)), 0o600))
		a, err := server.CredentialsFile(path, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		known := func(token string) bool {
			time.Sleep(2 * time.Second)
			_, err := a.Authenticate(context.Background(), server.Credential{Token: token})
			return err == nil
		}
		// A folder stands in for a file without the right to read it, which root has.
		old := time.Unix(1_000_000_000, 0)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Chtimes(path, old, old))
		require.True(t, known("one"), "what was read before holds")
		require.True(t, known("one"))
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
		text := token(two) + "\n"
		text += strings.Repeat("#", max(0, int(info.Size())-len(text)))
		require.NoError(t, os.WriteFile(target, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(target, old, old))
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Rename(target, path))
		require.True(t, known("two"))
		require.False(t, known("one"))
	})
}
