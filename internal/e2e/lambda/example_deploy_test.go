package lambda_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
)

// TestExampleIsAFunctionOfItsOwn builds and deploys examples/lambda somewhere
// else, as whoever has copied it does.
func TestExampleIsAFunctionOfItsOwn(t *testing.T) {
	t.Parallel()
	sam, folder := samOrSkip(t), t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(root, "examples", "lambda"))))
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	for _, args := range [][]string{
		{"go", "mod", "edit", "-replace", "github.com/jamesTait-jt/goflow=" + here},
		{"go", "mod", "tidy", "-diff"},
		{sam, "build"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOWORK=off", "GOARCH="+runtime.GOARCH)
		run(t, cmd)
	}
	d := samDeploy(t, filepath.Join(folder, ".aws-sam", "build"), "Architecture="+architecture())
	greet := goflow.NewJob[string, string]("greet")
	id, err := greet.Push(t.Context(), d.client, "gopher")
	require.NoError(t, err)
	rec := d.wait(t, id)
	require.JSONEq(t, `"hello, gopher"`, string(rec.Result))
}
