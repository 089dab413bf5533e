package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	mutants "github.com/jamesTait-jt/goflow/internal/mutants"
)

// A module to plant bugs in, and its test.
const (
	goMod   = "module toy\n\ngo 1.26\n"
	code    = "package toy\n\n// Add adds.\nfunc Add(a, b int) int {\n\treturn a + b\n}\n"
	codeLow = "package toy\n\nvar moved = 1\n\nvar down = 2\n\n// Add adds.\nfunc Add(a, b int) int {\n\treturn a + b\n}\n"
	test    = `package toy

import "testing"

func TestAdd(t *testing.T) {
	if Add(2, 3) != 5 {
		t.Fatal("wrong")
	}
}

func TestNothing(t *testing.T) {}

func TestRed(t *testing.T) { t.Fatal("always") }

func TestSkips(t *testing.T) { t.Skip("always") }
`
)

// patch plants line instead of the sum.
func patch(header, line string) string {
	return header + "diff --git a/toy.go b/toy.go\n--- a/toy.go\n+++ b/toy.go\n@@ -2,5 +2,5 @@\n \n // Add adds.\n" +
		" func Add(a, b int) int {\n-\treturn a + b\n+\t" + line + "\n }\n"
}

func TestHunt(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		code, run, line string
		want            string
	}{
		"found":                {code, "TestAdd", "return a - b", "found     toy  by . TestAdd ("},
		"found where it moved": {codeLow, "TestAdd", "return a - b", "found     toy  by . TestAdd ("},
		"found by a panic":     {code, "TestAdd", `panic("planted")`, "found     toy  by . TestAdd ("},
		"survives":             {code, "TestNothing", "return a - b", "the bug survives"},
		"does not build":       {code, "TestAdd", "return nowhere", "doesn't build"},
		"no longer applies":    {strings.Replace(code, "a + b", "b + a", 1), "TestAdd", "return a - b", "doesn't apply"},
		"red without it":       {code, "TestRed", "return a - b", "fails without any bug"},
		"skipped":              {code, "TestSkips", "return a - b", "no test ran"},
		"no such test":         {code, "TestGone", "return a - b", "no test ran"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			tree, folder := t.TempDir(), t.TempDir()
			write(t, tree, map[string]string{"go.mod": goMod, "toy.go": c.code, "toy_test.go": test})
			write(t, folder, map[string]string{"toy.patch": patch("# bug: toy\n# test: . -run ^"+c.run+"$\n", c.line)})
			require.NoError(t, exec.CommandContext(t.Context(), "git", "init", "--quiet", tree).Run())

			var out strings.Builder
			err := mutants.Hunt(t.Context(), tree, folder, &out)
			require.Contains(t, out.String(), c.want)
			require.Equal(t, strings.HasPrefix(c.want, "found"), err == nil, out.String())

			left, err := os.ReadFile(filepath.Join(tree, "toy.go"))
			require.NoError(t, err)
			require.Equal(t, c.code, string(left), "the tree itself is left alone")
		})
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()

	all := []string{"no-panic-recovery", "sim-no-fence", "sim-no-order", "simple"}
	for want, names := range map[string][]string{
		"no-panic-recovery simple":                    nil,
		"sim-no-fence sim-no-order":                   {"sim-"},
		"simple":                                      {"simple"},
		"no-panic-recovery sim-no-order":              {"sim-no-order", "no-"},
		"no-panic-recovery sim-no-fence sim-no-order": {"sim-", "no-panic-recovery"},
		"": {"sim", "no-panic"},
	} {
		require.Equal(t, want, strings.Join(mutants.Choose(all, names...), " "), "%v", names)
	}
}

func TestPatchWithoutHeader(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	write(t, folder, map[string]string{"toy.patch": patch("# bug: toy\n", "return a - b")})

	err := mutants.Hunt(t.Context(), folder, folder, nil)
	require.ErrorContains(t, err, "toy.patch: the header wants")
}

func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()

	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
}
