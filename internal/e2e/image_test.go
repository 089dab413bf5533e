package e2e_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// image builds a copy of examples/kubernetes somewhere else by the commands of its Dockerfile, and returns the folder
// that stands for the image's root.
func image(t *testing.T) string {
	t.Helper()
	folder, out := t.TempDir(), t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../../examples/kubernetes")))
	here, err := filepath.Abs("../..")
	require.NoError(t, err)
	dockerfile, err := os.ReadFile(filepath.Join(folder, "Dockerfile"))
	require.NoError(t, err)
	commands := []string{"go mod edit -replace github.com/jamesTait-jt/goflow='" + here + "'", "go mod tidy -diff"}
	for line := range strings.Lines(strings.ReplaceAll(string(dockerfile), "\\\n", " ")) {
		if command, ok := strings.CutPrefix(line, "RUN "); ok {
			commands = append(commands, strings.ReplaceAll(command, "/out/", out+"/"))
		}
	}
	for _, command := range commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", command, text)
	}
	return out
}

// TestExampleIsAWorkerOfItsOwn runs what is in the image of examples/kubernetes: the worker as it is, which is ready,
// runs a task, and drains when it is told to, and the other program as it deploys itself.
func TestExampleIsAWorkerOfItsOwn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	root, addr := image(t), freeAddress(t)
	var log bytes.Buffer // read when the process has ended
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "worker"))
	cmd.Stderr = &log
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+*localstack.Config(t).BaseEndpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "GOFLOW_QUEUE_URL="+p.queue, "GOFLOW_DLQ_URL="+p.dead,
		"GOFLOW_TABLE="+p.table, "GOFLOW_POLL_WAIT=1s", "GOFLOW_HTTP_ADDR="+addr, "GOFLOW_LOG_FORMAT=json")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.Eventually(t, func() bool { return answers(t, "http://"+addr+"/readyz") }, 20*time.Second, 50*time.Millisecond)
	require.True(t, answers(t, "http://"+addr+"/healthz"))

	client, err := goflow.NewClient(p.broker(p.queue), p.store())
	require.NoError(t, err)
	greet := goflow.NewJob[string, string]("greet")
	id, err := greet.Push(t.Context(), client, "gopher")
	require.NoError(t, err)
	within, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := greet.Wait(within, client, id)
	require.NoError(t, err)
	require.Equal(t, "hello, gopher", got)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), log.String())
	require.Contains(t, log.String(), `"msg":"worker drains"`)

	deploy := exec.CommandContext(t.Context(), filepath.Join(root, "goflow"), "deploy", "--dry-run", "--plain-text",
		"--image", "registry.example/greetings:1.0.0", "--queue-url", "goflow", "--no-dlq", "--table", "goflow", "--region", "us-east-1")
	text, err := deploy.Output()
	require.NoError(t, err)
	require.Contains(t, string(text), "image: registry.example/greetings:1.0.0")
}

// freeAddress is one of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// answers tells whether a GET is answered with 200.
func answers(t *testing.T, url string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode == http.StatusOK
}
