package kube_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/kube"
)

// ended records how a helper ended the test that called it.
type ended struct {
	testing.TB

	how string
}

func (*ended) Helper()        {}
func (e *ended) Skip(...any)  { e.stop("skip") }
func (e *ended) Fatal(...any) { e.stop("fatal") }

// stop leaves the helper as the real Skip and Fatal do.
func (e *ended) stop(how string) {
	e.how = how
	panic(e)
}

func TestWithoutAServerATestSkipsOrFailsWhereRequired(t *testing.T) {
	t.Setenv("GOFLOW_TEST_KUBECONFIG", "")
	t.Setenv("KUBECONFIG", "/somebody/else's")

	for required, how := range map[string]string{"": "skip", "localstack": "skip", "localstack,k8s": "fatal"} {
		t.Setenv("GOFLOW_TEST_REQUIRE", required)
		e := &ended{TB: t}
		require.PanicsWithValue(t, e, func() { kube.Admin(e) })
		require.Equal(t, how, e.how, "while %q is required", required)
	}
}

func TestUsersAreThoseOfTheFileAndNoOther(t *testing.T) {
	const file = `
apiVersion: v1
kind: Config
current-context: somebody
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: admin, user: {token: a}}, {name: deployer, user: {token: d}}, {name: somebody, user: {token: s}}]
contexts:
- {name: admin, context: {cluster: test, user: admin}}
- {name: deployer, context: {cluster: test, user: deployer}}
- {name: somebody, context: {cluster: test, user: somebody}}
`

	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	t.Setenv("GOFLOW_TEST_KUBECONFIG", path)

	require.Equal(t, "a", kube.Admin(t).BearerToken)
	require.Equal(t, "d", kube.Deployer(t).BearerToken)
	require.Equal(t, "https://127.0.0.1:1", kube.Deployer(t).Host)
	require.Negative(t, kube.Admin(t).QPS)
}
