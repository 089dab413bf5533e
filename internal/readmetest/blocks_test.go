// Package readmetest runs README.md: what stands in its fenced blocks works, or
// says why nobody tries it.
package readmetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a fenced block of a document.
type block struct {
	line   int    // of its opening fence
	lang   string // go, sh, json, …
	text   string
	notRun string // why it isn't run; "" if it is
}

// first is the block's first line: its name in the golden list.
func (b block) first() string {
	line, _, _ := strings.Cut(b.text, "\n")

	return strings.TrimSpace(line)
}

var (
	fence  = regexp.MustCompile("^\\s*```\\s*(\\S*)")
	notRun = regexp.MustCompile(`^\s*<!-- not run: (.+) -->\s*$`)
)

// parse returns the fenced blocks of a document. The comment that excuses a
// block stands on the line right before it.
func parse(document string) []block {
	var blocks []block
	var open *block
	before := ""
	number := 0
	for line := range strings.Lines(document) {
		number++
		switch m := fence.FindStringSubmatch(line); {
		case m != nil && open == nil:
			open = &block{line: number, lang: m[1]}
			if reason := notRun.FindStringSubmatch(strings.TrimSuffix(before, "\n")); reason != nil {
				open.notRun = reason[1]
			}
		case m != nil:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
		before = line
	}

	return blocks
}

// checkGo wants the block in a compiled example, line by line; how far a line
// is indented doesn't matter.
func checkGo(b block, examples []string) error {
	want := trimLines(b.text)
	for _, example := range examples {
		if strings.Contains(example, want) {
			return nil
		}
	}

	return errors.New("this Go code stands in no example_test.go and in no file of examples/, so nobody compiles it")
}

// trimLines takes the blanks from both ends of each line.
func trimLines(text string) string {
	var b strings.Builder
	b.WriteByte('\n') // so that only whole lines match
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}

	return b.String()
}

// checkJSON wants one or more JSON values, and accept to take each.
func checkJSON(b block, accept func(json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader([]byte(b.text)))
	for n := 0; ; n++ {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("value %d: %w", n+1, err)
		}
		if err := accept(value); err != nil {
			return fmt.Errorf("value %d: %w", n+1, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()

	document := "# Title\n<!-- not run: it takes a minute -->\n```sh\nmake demo\n```\n\n" +
		"<!-- not run: too far away -->\n\n```go\nx := 1\n\n\ty()\n```\n  ```json\n  {}\n  ```\n```\nplain\n```\n"
	require.Equal(t, []block{
		{line: 3, lang: "sh", text: "make demo\n", notRun: "it takes a minute"},
		{line: 9, lang: "go", text: "x := 1\n\n\ty()\n"},
		{line: 14, lang: "json", text: "  {}\n"},
		{line: 17, text: "plain\n"},
	}, parse(document))
}

func TestCheckGo(t *testing.T) {
	t.Parallel()

	examples := []string{trimLines("package p\n\nfunc Example() {\n\ta()\n\tif b() {\n\t\tc()\n\t}\n}\n")}
	require.NoError(t, checkGo(block{text: "a()\nif b() {\n\tc()\n}\n"}, examples))
	require.Error(t, checkGo(block{text: "a()\nc()\n"}, examples), "lines left out")
	require.Error(t, checkGo(block{text: "b() {\n"}, examples), "a part of a line")
	require.Error(t, checkGo(block{text: "d()\n"}, examples))
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()

	anything := func(json.RawMessage) error { return nil }
	require.NoError(t, checkJSON(block{text: "{\"v\": 1}\n{\"v\": 2}\n"}, anything))
	require.Error(t, checkJSON(block{text: "{\"v\": 1,}\n"}, anything))
	require.Error(t, checkJSON(block{text: "\n"}, anything))
	require.Error(t, checkJSON(block{text: "{}"}, func(json.RawMessage) error { return errors.New("no") }))
}
