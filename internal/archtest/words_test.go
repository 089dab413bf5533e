package archtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Product code talks to AWS; that an endpoint may be an emulator is no concern
// of its. It would be the first step to code that behaves differently there.
func TestProductCodeKnowsNoEmulator(t *testing.T) {
	t.Parallel()

	product := []string{"goflow", "adapters", "cmd", "lambda", "handlers", "rpc"}
	eachGoFile(t, func(path string) {
		for _, folder := range product {
			if below(path, folder) && !isTest(path) && !isTestHelper(path) {
				source, err := os.ReadFile(filepath.Join(root, path))
				require.NoError(t, err)
				require.False(t, bytes.Contains(bytes.ToLower(source), []byte("localstack")), "%s names LocalStack", path)
			}
		}
	})
}

// isTestHelper tells the packages that only tests of programs import. The
// suites of goflowtest are not among them: they are made for any broker.
func isTestHelper(path string) bool {
	return below(path, "cmd") && strings.HasSuffix(filepath.Dir(path), "test")
}
