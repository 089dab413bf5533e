package archtest_test

import (
	"bytes"
	"os"
	"path/filepath"
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
			if below(path, folder) && !isTest(path) {
				source, err := os.ReadFile(filepath.Join(root, path))
				require.NoError(t, err)
				require.False(t, bytes.Contains(bytes.ToLower(source), []byte("localstack")), "%s names LocalStack", path)
			}
		}
	})
}
