// Package features compares what an implementation can do with the table of
// ARCHITECTURE.md, so that a feature switched off is a diff there, not a skip.
package features

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
)

// Check compares rows with a column of the feature tables, named by its header.
func Check(t testing.TB, column string, rows []goflowtest.Row) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "ARCHITECTURE.md"))
	require.NoError(t, err)
	_, tables, ok := strings.Cut(string(text), "<!-- features:begin -->")
	require.True(t, ok, "ARCHITECTURE.md has no feature tables")
	require.Equal(t, lines(rows), lines(Column(tables, column)), "column %q of ARCHITECTURE.md", column)
}

// Column returns the rows of the first table in text that has such a column.
func Column(text, column string) (rows []goflowtest.Row) {
	at := -1
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		switch {
		case len(cells) < 2: // not a line of a table: the next one is another
			if at > 0 && len(rows) > 0 {
				return rows
			}
			at = -1
		case at < 0:
			at = index(cells, column)
		case at > 0 && at < len(cells) && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, goflowtest.Row{Name: cells[0], Value: cells[at]})
		}
	}
	return rows
}

// index returns the place of a column, or 0, which is the rows' names, when
// the table has none of that name.
func index(cells []string, column string) int {
	for i, cell := range cells {
		if cell == column {
			return i
		}
	}
	return 0
}

func lines(rows []goflowtest.Row) string {
	var b strings.Builder
	for _, row := range rows {
		_, _ = fmt.Fprintf(&b, "%s: %s\n", row.Name, row.Value)
	}
	return b.String()
}
