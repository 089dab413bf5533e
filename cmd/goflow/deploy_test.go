package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/kube"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// deployArgs are those of internal/deploy/testdata/objects.yaml.
const deployArgs = "deploy --image registry.example/orders:1.4.2 --server-image registry.example/goflow:1.0.0 --tls-secret goflow-tls " +
	"--role-arn arn:aws:iam::123456789012:role/orders --table orders --dlq-url orders-dead " +
	"--queue-url https://sqs.eu-central-1.amazonaws.com/123456789012/orders"

func goflowOn(t *testing.T, args string) (code int, out, errs string) {
	t.Helper()
	all := map[string]string{"AWS_REGION": "eu-central-1", "XDG_CONFIG_HOME": t.TempDir()}
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), program.Surroundings{
		Args: strings.Fields(args), Getenv: func(name string) string { return all[name] },
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
	})
	return code, stdout.String(), stderr.String()
}

func TestDryRunPrintsTheObjectsAndAsksNobody(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../internal/deploy/testdata/objects.yaml")
	require.NoError(t, err)
	for _, format := range []string{"", " -o yaml"} {
		code, out, errs := goflowOn(t, deployArgs+" --dry-run --kubeconfig /not/there"+format)
		require.Zero(t, code, errs)
		require.Equal(t, string(want), out)
	}
	code, out, _ := goflowOn(t, deployArgs+" --dry-run -o json")
	require.Zero(t, code)
	require.True(t, strings.HasPrefix(out, `{"apiVersion":"v1","kind":"Namespace"`), out)
}

func TestDeployRefusesAnOpenServerThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, strings.Replace(deployArgs, "--tls-secret goflow-tls", "--dry-run", 1))
	require.Equal(t, program.Usage, code)
	require.Empty(t, out)
	require.Contains(t, errs, "--tls-secret: give the secret")
}

func TestDeployStatusAndDestroyOnAnAPIServer(t *testing.T) {
	t.Parallel()
	namespace := kube.Namespace(t)
	where := " --kubeconfig " + kube.File(t) + " --namespace " + namespace

	code, _, errs := goflowOn(t, deployArgs+where+" --timeout 2s")
	require.Equal(t, program.Refused, code, errs)
	require.Contains(t, errs, "deployment/goflow-worker created")
	require.Contains(t, errs, "not within --timeout 2s: deployment/goflow-server: not seen by its controller yet")

	requireDiffs(t, where)

	code, out, _ := goflowOn(t, "status"+where)
	require.Equal(t, program.Failed, code)
	require.Contains(t, out, "deployment/goflow-worker: not seen by its controller yet")

	kube.RollOut(t, namespace, "goflow-server")
	kube.RollOut(t, namespace, "goflow-worker")
	code, _, errs = goflowOn(t, deployArgs+where)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "deployment/goflow-worker: 1 of 1 updated, 1 available")
	code, out, _ = goflowOn(t, "status"+where)
	require.Zero(t, code, out)

	code, _, errs = goflowOn(t, "destroy"+where)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "all gone")
	code, out, _ = goflowOn(t, "status"+where)
	require.Equal(t, program.Failed, code)
	require.Contains(t, out, "deployment/goflow-worker: not there")
}

// requireDiffs asks what would change of what deployArgs have made there.
func requireDiffs(t *testing.T, where string) {
	t.Helper()
	code, out, errs := goflowOn(t, deployArgs+where+" --diff")
	require.Zero(t, code, errs)
	require.Empty(t, out)
	code, out, errs = goflowOn(t, deployArgs+where+" --diff --servers 3")
	require.Equal(t, program.Failed, code, errs)
	require.Contains(t, out, "--- live/deployment/goflow-server\n+++ deployed/deployment/goflow-server\n")
	require.Contains(t, out, "\n-  replicas: 2\n+  replicas: 3\n")
	code, out, errs = goflowOn(t, deployArgs+where+" --diff --servers 3 -o json")
	require.Equal(t, program.Failed, code, errs)
	require.True(t, strings.HasPrefix(out, `{"object":"deployment/goflow-server","diff":"`), out)
}

// Who asks whether anything would change must not take a failure for a yes.
func TestDiffThatFailsIsNoChange(t *testing.T) {
	t.Parallel()
	kubeconfig := t.TempDir() + "/kubeconfig"
	require.NoError(t, os.WriteFile(kubeconfig, []byte("{kind: Config, current-context: x, contexts: [{name: x, context: {cluster: x}}], "+
		"clusters: [{name: x, cluster: {server: 'http://127.0.0.1:1'}}]}"), 0o600))
	code, out, errs := goflowOn(t, deployArgs+" --diff --kubeconfig "+kubeconfig)
	require.Equal(t, program.Refused, code, errs)
	require.Empty(t, out)
	require.Contains(t, errs, "namespace/goflow: ")
	code, _, errs = goflowOn(t, deployArgs+" --diff --dry-run")
	require.Equal(t, program.Usage, code, errs)
}
