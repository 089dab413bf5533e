package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// asWritten is a result as get -o yaml writes it.
func asWritten(t *testing.T, result string) string {
	t.Helper()
	var out bytes.Buffer
	c := &cli{around: program.Surroundings{Stdout: &out}, format: "yaml"}
	require.NoError(t, c.writeRecord(goflow.Record{ID: "x", State: task.Done, Result: []byte(result)}))
	return out.String()
}

// As PHP ("\/") and Python (pairs) write JSON by default, so do payloads that are echoed, and bodies of dead letters. A
// result comes back as what it was in each format, however its JSON was written.
func TestResultsInYAMLAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]string{
		"EscapedPair": `"\ud83d\ude00"`,
		"LoneHalf":    `"\ud83d"`,
		"Slash":       `"a\/b"`,
		"KeyOfMerge":  `{"<<":"a"}`,
		"LongKey":     `{"` + strings.Repeat("k", 2000) + `":1}`,
		"Words":       `["yes","no","on","y","null","~","true","1","1e3","0x1","1:30","2026-01-02","","-","- a","#","a: b","@","<<","=","\u0000","\u2028","\u0085","\ufeff"]`,
		"Lines":       `["a\nb","a\n","\n a","  a\n b\n\n","a \n\tb","\n","\r\n","a\r\nb"]`,
		"Others":      `{"a":[[],{},[[1,{"b":[null,true,1.5,-0,1e3]}]]],"1":2,"":3,"=":4,"yes":5}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := asWritten(t, result)
			back, err := yaml.YAMLToJSON([]byte(strings.TrimPrefix(out, "---\n")))
			require.NoError(t, err, out)
			var o program.Outcome
			require.NoError(t, json.Unmarshal(back, &o))
			var want, got any
			require.NoError(t, json.Unmarshal([]byte(result), &want))
			require.NoError(t, json.Unmarshal(o.Result, &got))
			require.Equal(t, want, got, out)
		})
	}
}

func TestNumbersInYAMLKeepTheirDigits(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"9007199254740993", "123456789012345678901234567890", "-0.10000000000000000000000001", "1.0"} {
		require.Contains(t, asWritten(t, n), "\nresult: "+n+"\n")
	}
}
