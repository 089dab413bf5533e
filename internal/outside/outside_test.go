// Package outside uses GoFlow as somebody else's module does: what only works
// in this repository fails here.
package outside_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/jamesTait-jt/goflow"

const program = `package main

import (
	_ "` + module + `/adapters/dynamo"
	_ "` + module + `/adapters/sqs"
	_ "` + module + `/goflow"
)

func main() {}
`

func TestModuleOutsideBuilds(t *testing.T) {
	t.Parallel()

	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	goMod := fmt.Sprintf("module outside\n\ngo 1.26\n\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, root)

	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": goMod, "go.sum": string(sums), "main.go": program} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "./..."}, {"run", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "go %v: %s", args, output)
	}
}
