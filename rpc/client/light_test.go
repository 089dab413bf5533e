package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostSize is how large a program with the client may be, measured by one that
// makes the same call with nothing but gRPC.
const mostSize = 1.1

func TestClientIsLight(t *testing.T) {
	t.Parallel()
	size := func(main string) float64 {
		binary := filepath.Join(t.TempDir(), "program")
		text, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, main).CombinedOutput()
		require.NoError(t, err, string(text))
		info, err := os.Stat(binary)
		require.NoError(t, err)
		return float64(info.Size())
	}
	bare, hello := size("./testdata/bare"), size("./testdata/hello")
	t.Logf("hello: %.0f bytes, %.3f × a bare gRPC client", hello, hello/bare)
	require.LessOrEqual(t, hello/bare, mostSize)

	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./testdata/hello").Output()
	require.NoError(t, err)
	for dep := range strings.FieldsSeq(string(deps)) {
		for _, heavy := range []string{"github.com/aws", "k8s.io", "sigs.k8s.io", "github.com/spf13", "go.opentelemetry.io", "goflow/adapters", "goflow/internal"} {
			require.NotContains(t, dep, heavy)
		}
	}
}
