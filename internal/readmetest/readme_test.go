package readmetest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/tree"
)

const (
	root = "../.."
	// How many blocks must be checked at least, and how many may be excused: a
	// README of excuses would pass otherwise.
	minChecked = 10
	maxNotRun  = 7
)

// TestReadme checks each block. Those for a shell are run where
// GOFLOW_TEST_REQUIRE names readme, as it does in make test.
//
//nolint:paralleltest // The blocks are one session, typed from top to bottom.
func TestReadme(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	examples := readExamples(t)
	var shell *session
	if slices.Contains(strings.Split(os.Getenv("GOFLOW_TEST_REQUIRE"), ","), "readme") {
		shell = openShell(t)
	}

	checked := 0
	for _, b := range parse(string(document)) {
		if b.notRun != "" {
			continue
		}
		checked++
		t.Run(fmt.Sprintf("line %d %s", b.line, b.lang), func(t *testing.T) {
			switch b.lang {
			case "go":
				require.NoError(t, checkGo(b, examples))
			case "json":
				require.NoError(t, checkJSON(b, acceptJSON))
			case "sh":
				if shell == nil {
					t.Skip("GOFLOW_TEST_REQUIRE doesn't name readme: make test runs this block")
				}
				require.NoError(t, shell.run(t.Context(), b))
			default:
				require.Fail(t, "no test runs this block", "only go, sh and json are; "+
					"put `<!-- not run: reason -->` on the line before it")
			}
		})
	}
	require.GreaterOrEqual(t, checked, minChecked, "blocks that are checked")
}

// TestReadmeExcuses compares the blocks that aren't run with a list, so that
// one more is seen in a review.
func TestReadmeExcuses(t *testing.T) {
	t.Parallel()

	document, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	golden, err := os.ReadFile(filepath.Join("testdata", "not-run.golden"))
	require.NoError(t, err)

	var excuses strings.Builder
	n := 0
	for _, b := range parse(string(document)) {
		if b.notRun != "" {
			n++
			fmt.Fprintf(&excuses, "%s | %s | %s\n", b.lang, b.first(), b.notRun)
		}
	}
	require.Equal(t, string(golden), excuses.String(), "blocks that aren't run: language | first line | reason")
	require.LessOrEqual(t, n, maxNotRun)
}

// openShell gives the blocks a copy of the repository to work in, and the
// LocalStack that runs already.
func openShell(t *testing.T) *session {
	t.Helper()
	requireLocal(t)

	from, err := filepath.Abs(root)
	require.NoError(t, err)
	if os.Getenv("GOFLOW_CACHE") == "" {
		t.Setenv("GOFLOW_CACHE", filepath.Join(from, ".cache"))
	}
	dir := t.TempDir()
	require.NoError(t, tree.Copy(t.Context(), from, dir))

	return newSession(t, dir)
}

// acceptJSON takes what is an object: every JSON of ours is one.
func acceptJSON(value json.RawMessage) error {
	var object map[string]any
	if err := json.Unmarshal(value, &object); err != nil {
		return err
	}
	if len(object) == 0 {
		return errors.New("an empty object")
	}

	return nil
}

// readExamples returns the sources that are compiled for readers' sake: files
// of examples, and whatever lies in examples/.
func readExamples(t *testing.T) []string {
	t.Helper()

	var examples []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if entry.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		isExample := strings.HasPrefix(name, "example") && strings.HasSuffix(name, "_test.go") ||
			strings.HasPrefix(path, "examples/") && strings.HasSuffix(name, ".go")
		if err != nil || entry.IsDir() || !isExample {
			return err
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		examples = append(examples, trimLines(string(source)))
		return err
	})
	require.NoError(t, err)

	return examples
}
