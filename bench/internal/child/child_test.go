package child_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/bench/internal/child"
	"github.com/jamesTait-jt/goflow/bench/internal/contend"
)

func serve(t *testing.T, name, orders string) []child.Answer {
	t.Helper()

	var out bytes.Buffer
	require.NoError(t, child.Serve(t.Context(), name, strings.NewReader(orders), &out))
	var answers []child.Answer
	for line := range strings.Lines(out.String()) {
		var a child.Answer
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		answers = append(answers, a)
	}
	return answers
}

// Every pool does the work, and gives each its result.
func TestPoolsObey(t *testing.T) {
	t.Parallel()

	const orders = `{"do":"make","settings":{"handlers":2}}
{"do":"work"}
{"do":"usage"}
{"do":"push","tasks":500,"bytes":10}
{"do":"await"}
{"do":"usage"}
{"do":"pace","tasks":5,"bytes":10}
{"do":"pace","tasks":3,"bytes":10,"gap":0.001}
`
	for name := range contend.Pools() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			answers := serve(t, name, orders)
			require.Len(t, answers, 8)
			for _, a := range answers {
				require.Empty(t, a.Error)
			}
			require.GreaterOrEqual(t, answers[5].Allocations-answers[2].Allocations, 500.0)
			require.GreaterOrEqual(t, answers[5].Processor, answers[2].Processor)
			require.Len(t, answers[6].Latencies, 5)
			require.Len(t, answers[7].Latencies, 3)
		})
	}
}

func TestServeTellsWhatIsWrong(t *testing.T) {
	t.Parallel()

	answers := serve(t, "nobody", `{"do":"make"}{"do":"dance"}`)
	require.Contains(t, answers[0].Error, `"nobody"`)
	require.Contains(t, answers[1].Error, `"dance"`)
}
