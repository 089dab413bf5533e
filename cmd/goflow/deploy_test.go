package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/kube"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/rpc/server"
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

func TestDeployRefusesDeadLettersInTheQueue(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, deployArgs+" --dry-run --dlq-url orders --queue-url orders")
	require.Equal(t, program.Usage, code)
	require.Empty(t, out)
	require.Equal(t, "goflow: --dlq-url and --queue-url name the same queue, orders: dead letters need one of their own\n", errs)
}

// As a worker does: where dead tasks are deleted, somebody has said so.
func TestDeployRefusesToLoseDeadLettersUnlessToldTo(t *testing.T) {
	t.Parallel()
	without := strings.Replace(deployArgs, "--dlq-url orders-dead", "--dry-run", 1)
	code, out, errs := goflowOn(t, without)
	require.Equal(t, program.Usage, code)
	require.Empty(t, out)
	require.Equal(t, "goflow: dlq-url is missing: give --dlq-url, or the stack that has it as --stack, or --no-dlq to only record dead tasks\n", errs)
	code, out, errs = goflowOn(t, without+" --no-dlq")
	require.Zero(t, code, errs)
	require.Contains(t, out, `GOFLOW_NO_DLQ: "true"`)
	code, _, errs = goflowOn(t, deployArgs+" --dry-run --no-dlq")
	require.Equal(t, program.Usage, code)
	require.Contains(t, errs, "--no-dlq: dlq-url names a dead-letter queue too")
}

// What deploy takes and its pods have reaches them; what is not given is theirs to default.
func TestDeployPassesTheRecordTTLOn(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, deployArgs+" --dry-run --record-ttl 720h")
	require.Zero(t, code, errs)
	require.Contains(t, out, "GOFLOW_RECORD_TTL: 720h0m0s\n")
	_, out, _ = goflowOn(t, deployArgs+" --dry-run")
	require.NotContains(t, out, "GOFLOW_RECORD_TTL")
}

// Servers and workers get the same variable, and a configuration file may be of both.
func TestServersStartWithEachDrainThatDeployTakes(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, deployArgs+" --dry-run --drain 11h")
	require.Zero(t, code, errs)
	require.Contains(t, out, "GOFLOW_DRAIN: 11h0m0s\n")
	own, err := config.NewLoader(config.Server, "--", func(name string) string { return map[string]string{"GOFLOW_DRAIN": "11h0m0s"}[name] }).Load()
	require.NoError(t, err)
	opts, err := (&serving{own: own, log: slog.New(slog.DiscardHandler)}).access()
	require.NoError(t, err)
	client, err := goflow.NewClient(memory.NewBroker(), memory.NewStore())
	require.NoError(t, err)
	_, err = server.New(client, opts...)
	require.NoError(t, err)
}

// Who has not waited long enough is not told that AWS refused.
func TestEndOfTheTimeoutIsTimedOut(t *testing.T) {
	t.Parallel()
	c := &cluster{timeout: time.Second}
	err := c.late(fmt.Errorf("deployment/goflow-server: 0 of 2 updated: %w", context.DeadlineExceeded))
	require.EqualError(t, err, "not within --timeout 1s: deployment/goflow-server: 0 of 2 updated: context deadline exceeded")
	require.Equal(t, program.TimedOut, program.Code(err))
	require.Equal(t, program.Refused, program.Code(context.DeadlineExceeded), "a call that was not answered in time")
}

func TestDeployStatusAndDestroyOnAnAPIServer(t *testing.T) {
	t.Parallel()
	namespace := kube.Namespace(t)
	where := " --kubeconfig " + kube.File(t) + " --namespace " + namespace

	code, _, errs := goflowOn(t, deployArgs+where+" --timeout 2s")
	require.Equal(t, program.TimedOut, code, errs)
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
