package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// knows lets in whoever has the token, for these roles.
func knows(t *testing.T, token string, roles ...rpc.Role) server.Option {
	t.Helper()
	digest := sha256.Sum256([]byte(token))
	var names []string
	for _, role := range roles {
		names = append(names, strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")))
	}
	a, err := server.Static(server.Credentials{Tokens: []server.Token{{Name: "me", SHA256: hex.EncodeToString(digest[:]), Roles: names}}})
	require.NoError(t, err)
	return server.Authenticate(a)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	const push, read, admin = rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ, rpc.Role_ROLE_ADMIN
	for name, roles := range map[string][]rpc.Role{
		"push": {push}, "read": {read}, "admin": {admin}, "two": {push, admin}, "all": {push, read, admin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, serve(t, knows(t, "token-of-mine", roles...)), client.Token("token-of-mine"))
			got, err := c.Roles(t.Context())
			require.NoError(t, err)
			require.Equal(t, roles, got)
		})
	}
}

func TestRolesOfNobody(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t, knows(t, "token-of-mine", rpc.Role_ROLE_PUSH)), client.Token("another-one"))
	_, err := c.Roles(t.Context())
	require.ErrorIs(t, err, goflow.ErrRefused)

	c = dial(t, "127.0.0.1:1")
	_, err = c.Roles(t.Context())
	require.ErrorIs(t, err, goflow.ErrUnavailable)
}

// A server that takes calls without content says nothing of roles.
func TestRolesOfAnotherServer(t *testing.T) {
	t.Parallel()
	f := start(t, &fake{})
	_, err := dial(t, f.address).Roles(t.Context())
	require.ErrorContains(t, err, "no server of goflow's")
}
