package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// As PHP ("\/") and Python (pairs) write JSON by default, so do payloads that are echoed, and bodies of dead letters. A
// result comes back as what it was in each format, however its JSON was written.
func TestReadBResultsInYAMLAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]string{
		"escaped pair": `"\ud83d\ude00"`,
		"lone half":    `"\ud83d"`,
		"slash":        `"a\/b"`,
		"key of merge": `{"<<":"a"}`,
		"long key":     `{"` + string(bytes.Repeat([]byte("k"), 2000)) + `":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := &cli{around: program.Surroundings{Stdout: &out}, format: "yaml"}
			require.NoError(t, c.writeRecord(goflow.Record{ID: "x", State: task.Done, Result: []byte(result)}))
			back, err := yaml.YAMLToJSON(bytes.TrimPrefix(out.Bytes(), []byte("---\n")))
			require.NoError(t, err, out.String())
			var o program.Outcome
			require.NoError(t, json.Unmarshal(back, &o))
			var want, got any
			_ = json.Unmarshal([]byte(result), &want)
			require.NoError(t, json.Unmarshal(o.Result, &got))
			require.Equal(t, want, got, out.String())
		})
	}
}
