package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
	"github.com/jamesTait-jt/goflow/rpc/server"
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

// TestServerCountsTheCallsOfARedriveOfAll: /metrics has what all of the server's calls to AWS come to.
func TestServerCountsTheCallsOfARedriveOfAll(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if n := calls.Add(1); n > 3 && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListMessageMoveTasks") {
			_, _ = fmt.Fprint(w, `{"Results":[{"Status":"COMPLETED","StartedTimestamp":2,"ApproximateNumberOfMessagesMoved":1,"ApproximateNumberOfMessagesToMove":1}]}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q"}}`)
	}))
	t.Cleanup(s.Close)
	programtest.UseEndpoint(t, s.URL)
	env := map[string]string{"GOFLOW_QUEUE_URL": s.URL + "/000000000000/q", "GOFLOW_DLQ_URL": s.URL + "/000000000000/dead", "GOFLOW_TABLE": "t"}
	_, c := newRoot(program.Surroundings{Getenv: func(key string) string { return env[key] }, Stdout: io.Discard, Stderr: io.Discard})
	sv := &serving{redrive: &redrive{dlq: dlq{cli: c}}, loader: c.server}
	sv.watch = append(sv.watch, sv.meter.Watch) // as run does
	redriveAll, err := sv.redriveAll(t.Context())
	require.NoError(t, err)
	_, err = redriveAll(t.Context(), func(server.Move) {})
	require.NoError(t, err)
	require.NotZero(t, calls.Load())
	require.Equal(t, calls.Load(), sv.meter.Usage().Requests())
}
