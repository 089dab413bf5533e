package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localstack"
)

const lastLine = `\ndemo: pushed=200 succeeded=154 failed=46 lost=0\n$`

func TestDemoInMemory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-memory"}, &out)
	require.NoError(t, err, out.String())
	require.Regexp(t, lastLine, out.String())
	require.NotContains(t, out.String(), "DIFFERENT")
}

// A worker that is killed with SIGKILL in the middle costs nothing.
func TestDemoSurvivesAKilledWorker(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	// The producer is this program, started again, so it has to be built.
	binary := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))
	demo := exec.CommandContext(t.Context(), binary, "-kill-worker")
	demo.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_REGION="+cfg.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	text, err = demo.CombinedOutput()
	require.NoError(t, err, string(text))
	require.Contains(t, string(text), "worker killed")
	require.Regexp(t, lastLine, string(text))
	t.Logf("%s", text)
}

func TestReportSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tasks := plan("http://127.0.0.1")
	require.Len(t, tasks, 200)
	var out bytes.Buffer
	d := &demo{out: &out, tasks: tasks}
	err := d.report(found{left: 1})
	require.ErrorIs(t, err, errNotAsExpected)
	require.Regexp(t, `\ndemo: pushed=0 succeeded=0 failed=0 lost=201\n$`, out.String())
	require.Contains(t, out.String(), "DIFFERENT")
}
