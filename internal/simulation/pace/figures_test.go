package pace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/pace"
)

// TestFigures measures everything twice. Its log is the table of docs/performance.md:
//
//	go test ./internal/simulation/pace -run Figures -v
func TestFigures(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	got := pace.Measure(t, share)
	require.Equal(t, got, pace.Measure(t, share), "the same in every run")
	t.Log("\n" + got.Markdown(pace.Limits()))
	require.NoError(t, got.Judge(pace.Limits()))
}
