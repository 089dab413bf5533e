package archtest_test

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines of code in a file; blank lines and comments don't count. The linter
// knows one limit only, so the one for tests is held here, both together.
const (
	maxLines     = 300
	maxTestLines = 500
)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()

	eachGoFile(t, func(path string) {
		source, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)

		limit := maxLines
		if isTest(path) {
			limit = maxTestLines
		}
		if !strings.Contains(string(source), "// Code generated ") {
			require.LessOrEqual(t, linesOfCode(source), limit, "lines of code in %s", path)
		}
	})
}

// linesOfCode counts the lines that hold a part of a token.
func linesOfCode(source []byte) int {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)

	count, last := 0, 0
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return count
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue // the scanner's own
		}
		first := max(file.Line(pos), last+1)
		last = max(file.Line(pos)+strings.Count(literal, "\n"), last)
		count += last - first + 1
	}
}

func TestLinesOfCode(t *testing.T) {
	t.Parallel()

	const source = "// A comment.\npackage p\n\n/* two\nlines */\nvar x = `a\nb\nc` // one\n\nfunc f() {\n}\n"
	require.Equal(t, 6, linesOfCode([]byte(source)))
}
