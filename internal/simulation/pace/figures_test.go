package pace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/figures"
	"github.com/jamesTait-jt/goflow/internal/simulation/pace"
)

// TestFigures measures everything twice. Its log is the table of docs/performance.md:
//
//	go test ./internal/simulation/pace -run Figures -v
func TestFigures(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	var all figures.List
	for _, s := range pace.Scenarios() { //nolint:paralleltest // the same
		t.Run(s.Name, func(t *testing.T) {
			got := s.Measure(t, share)
			all = append(all, got...)
			require.Equal(t, got, s.Measure(t, share), "the same in every run")
			if share == 1 { // a part of the tasks is mostly beginning and end
				require.NoError(t, got.Judge(pace.Limits(s.Name)))
			}
		})
	}
	t.Log("\n" + all.Markdown(pace.Limits("")))
}
