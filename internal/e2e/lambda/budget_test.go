package lambda_test

import (
	"archive/zip"
	"compress/flate"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/runtimeapi"
)

// What GoFlow may add to a function.
const (
	mostSize  = 1.15 // times a function that only has the SDK's clients
	mostStart = 2.5  // times the least function
	pairs     = 15
)

// TestBudget compares the function that sam has built with others of the same
// kind. Its size is paid for with each cold start, and so is its start.
func TestBudget(t *testing.T) { //nolint:paralleltest // it measures times
	samOrSkip(t)
	worker := filepath.Join(root, ".aws-sam", "build", "Worker", "bootstrap")
	bare, hello := build(t, "./testdata/bare"), build(t, "./testdata/hello")
	size, least := zipped(t, worker), zipped(t, bare)
	t.Logf("zip: %d bytes, %.2f times a bare function's", size, float64(size)/float64(least))
	require.LessOrEqual(t, float64(size), mostSize*float64(least))

	var ratios []float64
	for range pairs {
		ratios = append(ratios, start(t, worker).Seconds()/start(t, hello).Seconds())
	}
	slices.Sort(ratios)
	t.Logf("start to first next: %.2f times the least function's", ratios[pairs/2])
	require.LessOrEqual(t, ratios[pairs/2], mostStart, "%v", ratios)
}

// build builds a program as the template's function is built for this machine.
func build(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", path, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(t, cmd)
	return path
}

// zipped is how many bytes a file has in an archive.
func zipped(t *testing.T, path string) int64 {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = file.Close() }() // only read from
	var size counter
	archive := zip.NewWriter(&size)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	entry, err := archive.Create("bootstrap")
	require.NoError(t, err)
	_, err = io.Copy(entry, file)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	return int64(size)
}

type counter int64

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// start is how long a function takes until it asks for its first event.
func start(t *testing.T, bootstrap string) time.Duration {
	t.Helper()
	f := runtimeapi.Start(t, bootstrap, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"GOFLOW_QUEUE_URL=http://127.0.0.1:1/q", "GOFLOW_DLQ_URL=http://127.0.0.1:1/d", "GOFLOW_TABLE=t")
	defer f.Stop(0)
	return f.Ready()
}
