package archtest_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// decoders are the folders of what reads bytes that others wrote: messages, rows, events
// of Lambda, lines of the command line, and what travels over gRPC, on either side.
func decoders() []string {
	return []string{"goflow", "adapters/dynamo", "lambda", "internal/lines", "rpc/server", "rpc/internal/convert"}
}

// .ci/fuzz finds the targets by itself, so one that is gone would be missed by nobody.
func TestEveryDecoderIsFuzzed(t *testing.T) {
	t.Parallel()

	fuzzed := map[string]bool{}
	eachGoFile(t, func(file string) {
		if !isTest(file) {
			return
		}
		for _, declaration := range parse(t, file).Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			fuzzed[path.Dir(file)] = true
			corpus, err := os.ReadDir(filepath.Join(root, path.Dir(file), "testdata/fuzz", f.Name.Name))
			require.NoError(t, err)
			require.NotEmpty(t, corpus, "%s begins with nothing", f.Name.Name)
		}
	})
	for _, folder := range decoders() {
		require.True(t, fuzzed[folder], "no Fuzz target in %s", folder)
	}
}
