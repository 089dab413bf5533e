// Package programtest runs the programs in-process, for their tests.
package programtest

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// Main is a program: it returns its exit code.
type Main func(ctx context.Context, around program.Surroundings) int

// Call is one run of a program.
type Call struct {
	Args  []string
	Env   map[string]string // the program's own settings; the SDK reads the process's
	Stdin string
}

// Result is what the run came to.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs a program until it ends by itself.
func (m Main) Run(t *testing.T, c Call) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := m(t.Context(), program.Surroundings{
		Args: c.Args, Getenv: func(key string) string { return c.Env[key] },
		Stdin: strings.NewReader(c.Stdin), Stdout: &stdout, Stderr: &stderr,
	})
	return Result{Code: code, Stdout: stdout.String(), Stderr: stderr.String()}
}

// RequireOneLine requires that the run wrote nothing but one line on standard
// error, which has the wanted text, and ended with the code.
func (r Result) RequireOneLine(t *testing.T, code int, text string) {
	t.Helper()
	require.Equal(t, code, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, text)
	require.Equal(t, 1, strings.Count(r.Stderr, "\n"), r.Stderr)
	require.Empty(t, r.Stdout)
}

// UseClosedPort points the SDK at a port of this machine where nobody listens.
func UseClosedPort(t *testing.T) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	UseEndpoint(t, "http://"+l.Addr().String())
}

// UseEndpoint points the SDK at an endpoint that asks for no real credentials.
func UseEndpoint(t *testing.T, endpoint string) {
	t.Helper()
	for key, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none",
	} {
		t.Setenv(key, value)
	}
	_ = os.Unsetenv("AWS_PROFILE") // Setenv puts it back; boto3 would look for a profile without a name
}

// UseNothing leaves the SDK without region and credentials.
func UseNothing(t *testing.T) {
	t.Helper()
	UseEndpoint(t, "http://127.0.0.1:1")
	for _, key := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(key, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// Provision makes queues and a table of that name for the test and returns the
// programs' settings for them.
func Provision(t *testing.T, name string) (config.Settings, map[string]string) {
	t.Helper()
	s, err := config.Provision(t.Context(), config.Settings{QueueURL: name, DLQURL: name + "-dead", Table: name})
	require.NoError(t, err)
	return s, map[string]string{
		"GOFLOW_QUEUE_URL": s.QueueURL, "GOFLOW_DLQ_URL": s.DLQURL, "GOFLOW_TABLE": s.Table, "GOFLOW_HTTP_ADDR": "off",
	}
}
