package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	cover "github.com/jamesTait-jt/goflow/internal/cover"
)

// profile is of two packages' tests, which both write every block.
const profile = `mode: set
github.com/jamesTait-jt/goflow/goflow/process.go:10.2,12.3 2 1
github.com/jamesTait-jt/goflow/goflow/process.go:9.2,9.3 1 0
github.com/jamesTait-jt/goflow/goflow/process.go:20.2,20.2 0 0
github.com/jamesTait-jt/goflow/goflow/wire.go:5.1,6.2 999 1
github.com/jamesTait-jt/goflow/goflow/wire.go:7.1,8.2 1 0
github.com/jamesTait-jt/goflow/goflow/process.go:9.2,9.3 1 7
github.com/jamesTait-jt/goflow/goflow/process.go:10.2,12.3 2 0
`

func TestFileThatIsHeldHasToRunWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile string
		held    []string
		want    string
	}{
		"what ran in any of the tests has run": {profile, []string{"goflow/process.go"}, ""},
		"one statement of many is enough":      {profile, []string{"goflow/*.go"}, "goflow/wire.go is below 100 %"},
		"a file that is gone":                  {profile, []string{"goflow/process.go", "goflow/old.go"}, "goflow/old.go: the profile has no such file"},
		"a folder that is gone":                {profile, []string{"adapters/sqs/*.go"}, "adapters/sqs/*.go: the profile has no such file"},
		"a profile of nothing":                 {"mode: set\n", []string{"goflow/*.go"}, "goflow/*.go: the profile has no such file"},
		"a profile that is none":               {"FAIL\n", nil, `line 1, "FAIL": give file:line`},
		"a line that is cut off":               {profile[:len(profile)-3], nil, "line 8, "},
	} {
		var out strings.Builder
		err := cover.Report(&out, strings.NewReader(c.profile), c.held...)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestEveryFileAndEveryBlockLeftIsPrinted(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, cover.Report(&out, strings.NewReader(profile), "goflow/process.go"))
	require.Equal(t, `goflow/process.go                    100.0 % held
goflow/wire.go                        99.9 %
  goflow/wire.go:7
`, out.String())
}

// TestHeldFilesAreThere: so a new name is noticed before the profile is made.
func TestHeldFilesAreThere(t *testing.T) {
	t.Parallel()
	for _, pattern := range cover.Held() {
		found, err := filepath.Glob(filepath.Join("..", "..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
	}
}
