package tree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/tree"
)

func TestCopyTakesWhatGitWouldAdd(t *testing.T) {
	t.Parallel()

	from, to := t.TempDir(), t.TempDir()
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = from
		require.NoError(t, cmd.Run())
	}
	write := func(name string, mode os.FileMode) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(from, name), []byte(name), mode))
	}
	git("init", "--quiet")
	write("deleted.go", 0o600)
	write("below/run", 0o700)
	git("add", ".")
	write("new.go", 0o600)
	write("ignored.out", 0o600)
	require.NoError(t, os.WriteFile(filepath.Join(from, ".gitignore"), []byte("*.out\n"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(from, "deleted.go")))

	require.NoError(t, tree.Copy(t.Context(), from, to))

	require.NoFileExists(t, filepath.Join(to, "deleted.go"))
	require.NoFileExists(t, filepath.Join(to, "ignored.out"))
	require.NoDirExists(t, filepath.Join(to, ".git"))
	require.FileExists(t, filepath.Join(to, "new.go"))
	info, err := os.Stat(filepath.Join(to, "below", "run"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "a script stays one")
}
