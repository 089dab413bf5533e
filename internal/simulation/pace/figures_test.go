package pace_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/figures"
	"github.com/jamesTait-jt/goflow/internal/simulation/pace"
)

const page = "../../../docs/performance.md"

var update = flag.Bool("update", false, "write the table into docs/performance.md")

// TestFigures measures everything twice, and holds the table in docs/performance.md.
func TestFigures(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	var all figures.List
	ran := 0
	for _, s := range pace.Scenarios() { //nolint:paralleltest // the same
		t.Run(s.Name, func(t *testing.T) {
			ran++
			got := s.Measure(t, share)
			all = append(all, got...)
			require.Equal(t, got, s.Measure(t, share), "the same in every run")
			if share == 1 { // a part of the tasks is mostly beginning and end
				require.NoError(t, got.Judge(pace.Limits(s.Name)))
			}
		})
	}
	table := all.Markdown(pace.Limits(""))
	t.Log("\n" + table)
	if share > 1 || ran < len(pace.Scenarios()) || t.Failed() {
		return
	}
	const begin, end = "<!-- pace: begin -->\n", "<!-- pace: end -->\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	written, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+table+end+after), 0o644))
		return
	}
	require.Equal(t, table, written, "go test ./internal/simulation/pace -update writes it down")
}
