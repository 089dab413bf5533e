package features_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/internal/features"
)

func TestColumn(t *testing.T) {
	t.Parallel()
	const text = `
| broker | one | two |
|---|---|---|
| leases end | yes | no |
| slack | 1s | no |

| store | three |
|---|---|
| awaiter | yes |
`
	require.Equal(t, []goflowtest.Row{{Name: "leases end", Value: "no"}, {Name: "slack", Value: "no"}}, features.Column(text, "two"))
	require.Equal(t, []goflowtest.Row{{Name: "awaiter", Value: "yes"}}, features.Column(text, "three"))
	require.Empty(t, features.Column(text, "four"))
}
