// Package archtest holds what the design says about the shape of the
// repository: who may import whom, how long files may be, which words product
// code may not use, and that ARCHITECTURE.md names only what exists.
package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository's top folder, seen from this package.
const root = "../.."

// eachGoFile calls f with every Go file below root, by its slash-separated
// path from there. Folders that are not ours or not compiled are left out.
func eachGoFile(t *testing.T, f func(path string)) {
	t.Helper()

	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if entry.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() && strings.HasSuffix(name, ".go") {
			f(path)
		}
		return err
	})
	require.NoError(t, err)
}

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

func parse(t *testing.T, path string) *ast.File {
	t.Helper()

	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	require.NoError(t, err)

	return file
}
