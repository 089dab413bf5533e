package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCostOfATask: what a million tasks cost, by hand.
func TestCostOfATask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		payload, result                  int
		ordered                          bool
		batchedCalls, batchedUSD, oneUSD float64
	}{
		{100, 100, false, 0.35, 0.3*0.4 + 0.625 + 0.0625, 3*0.4 + 0.625 + 0.125},
		{100, 992, false, 0.35, 0.3*0.4 + 0.625 + 0.0625, 3*0.4 + 0.625 + 0.125},
		{100, 993, false, 0.35, 0.3*0.4 + 2*0.625 + 0.0625, 3*0.4 + 2*0.625 + 0.125},
		{100, 100, true, 0.35, 0.3*0.5 + 0.625 + 0.0625, 3*0.5 + 0.625 + 0.125},
		{8 << 10, 8 << 10, false, 0.35, (2*0.2+0.1)*0.4 + 9*0.625 + 3*0.0625, 3*0.4 + 9*0.625 + 3*0.125},
		{500_000, 0, false, 2*0.5 + 0.1 + 0.04 + 0.01, (2*8+0.1)*0.4 + 0.625 + 0.0625, (2*8+1)*0.4 + 0.625 + 0.125},
	} {
		price := &costing{on: true, payload: c.payload, result: c.result}
		got := price.of(c.ordered, 240*time.Hour)
		require.InDelta(t, c.batchedCalls, got.Batched.CallsPerTask, 1e-9, "%+v", c)
		require.InDelta(t, c.batchedUSD, got.Batched.Dollars, 1e-9, "%+v", c)
		require.InDelta(t, 5, got.Single.CallsPerTask, 1e-9)
		require.InDelta(t, c.oneUSD, got.Single.Dollars, 1e-9, "%+v", c)
		require.InDelta(t, float64(c.result+132)*1e6/(1<<30)*0.25/3, got.Storage.Dollars, 1e-9)
		require.Equal(t, 129_600, got.Idle.Calls)
	}
}

func TestServerHasMetricsBesideItsProbes(t *testing.T) {
	t.Parallel()
	probes := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/readyz": http.StatusTeapot} {
		answer := httptest.NewRecorder()
		(&serving{}).watched(probes).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Equal(t, want, answer.Code, path)
	}
}
