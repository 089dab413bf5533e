package pace_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/pace"
)

// TestFigures measures everything twice, the second time with one processor. Its log
// is the table of docs/performance.md:
//
//	go test ./internal/simulation/pace -run Figures -v
func TestFigures(t *testing.T) { //nolint:paralleltest // all chance comes from one source
	got := pace.Measure(t, share)
	processors := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(processors) })
	require.Equal(t, got, pace.Measure(t, share), "the same in every run")
	t.Log("\n" + got.Markdown(pace.Limits()))
	if share == 1 { // a part of the tasks is mostly beginning and end
		require.NoError(t, got.Judge(pace.Limits()))
	}
}
