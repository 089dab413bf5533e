package readmetest_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Long enough to build a program from nothing, short enough to notice a block
// that never ends.
const blockTime = 3 * time.Minute

// session is the shell of somebody who types a document's blocks one after the
// other: what one of them exports, the next one sees.
type session struct {
	dir   string
	state string // a file with the exported variables
}

// newSession starts in dir. The shell knows nothing of the settings of whoever
// runs the tests, apart from the LocalStack that they started.
func newSession(t *testing.T, dir string) *session {
	t.Helper()

	return &session{dir: dir, state: filepath.Join(t.TempDir(), "state")}
}

// run types a block. It fails with all that the block printed.
func (s *session) run(ctx context.Context, b block) error {
	ctx, cancel := context.WithTimeout(ctx, blockTime)
	defer cancel()

	const script = `set -euo pipefail
if [ -f "$0" ]; then source "$0"; fi
trap 'export -p >"$0"' EXIT
eval "$1"`
	cmd := exec.CommandContext(ctx, "bash", "-c", script, s.state, b.text)
	cmd.Dir = s.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "GOFLOW_") && !strings.HasPrefix(variable, "GOFLOW_CACHE=")
	})
	// What a block started must not outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}

	return nil
}

// requireLocal keeps a document's commands away from real AWS.
func requireLocal(t *testing.T) {
	t.Helper()

	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", endpoint.Hostname(), "AWS_ENDPOINT_URL must name a LocalStack: make test starts one")
}

func TestSession(t *testing.T) {
	t.Setenv("GOFLOW_TABLE", "somebody's own")

	s := newSession(t, t.TempDir())
	require.NoError(t, s.run(t.Context(), block{text: "export KEPT=yes\necho hello > file\n"}))
	require.NoError(t, s.run(t.Context(), block{text: "test \"$KEPT\" = yes\ngrep -q hello file\ntest -z \"${GOFLOW_TABLE:-}\"\n"}))
	require.ErrorContains(t, s.run(t.Context(), block{text: "echo reason\nfalse\ntrue\n"}), "reason")
	require.Error(t, s.run(t.Context(), block{text: "false | true\n"}))
	require.Error(t, s.run(t.Context(), block{text: "echo $NOWHERE\n"}))
}
