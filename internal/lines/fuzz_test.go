package lines_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/allocs"
	"github.com/jamesTait-jt/goflow/internal/lines"
)

// Reading tasks may allocate perByte bytes for each byte of their lines, beside
// allocs.Spare; a line counts as perLine more, and none is kept once the next is read.
const (
	perByte = 64
	perLine = 128
)

// FuzzRead reads any bytes as lines: each that says something is a task or an error of
// its own, under its own number, and neither is half of the other.
func FuzzRead(f *testing.F) {
	f.Fuzz(func(t *testing.T, input []byte) { checkLines(t, input) })
}

func TestMemoryOfLinesIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 256 << 10
	for _, input := range []string{
		`{"type":"a","payload":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}`,
		`{"type":"a","payload":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		`{"type":"` + strings.Repeat(`\u0061`, size/6) + `"}`,
		`{"` + strings.Repeat("x", size) + `":1}`,
		`{"delay":"` + strings.Repeat("x", size) + `"}`,
		`{"type":"a","headers":{` + strings.Repeat(`"a":"",`, size/7) + `"b":""}}`,
		strings.Repeat("\n", size/10),
		strings.Repeat("0\n", size/200),
	} {
		checkLines(t, []byte(input))
	}
}

func checkLines(t *testing.T, input []byte) {
	t.Helper()
	type read struct {
		line lines.Line
		err  error
	}
	var got []read
	allocs.Within(t, len(input)+perLine*bytes.Count(input, []byte("\n")), perByte, func() {
		for line, err := range lines.Read(bytes.NewReader(input)) {
			got = append(got, read{line, err})
		}
	})
	for i, text := range bytes.Split(input, []byte("\n")) {
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		require.NotEmpty(t, got, "line %d is not read", i+1)
		require.Equal(t, i+1, got[0].line.Number)
		if err := got[0].err; err != nil {
			requireOneClearLine(t, err, i+1)
		} else {
			requireTask(t, got[0].line, text)
		}
		got = got[1:]
	}
	require.Empty(t, got)
}

func requireOneClearLine(t *testing.T, err error, number int) {
	t.Helper()
	var bad *lines.Error
	require.True(t, errors.As(err, &bad) && bad.Number == number, "%v", err)
	require.True(t, strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", number)), "%v", err)
	require.Less(t, utf8.RuneCountInString(err.Error()), 300)
	require.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "%q", err)
}

// requireTask wants the task that the whole line is, and options that say the same when
// they are written and read again.
func requireTask(t *testing.T, line lines.Line, text []byte) {
	t.Helper()
	require.True(t, json.Valid(text), "more than a task: %q", text)
	require.True(t, line.Type != "" && json.Valid(line.Payload), "%+v", line)
	_, _ = line.Push()
	options, err := json.Marshal(line.Options)
	require.NoError(t, err)
	again := strings.TrimSuffix(string(options), "}")
	if again != "{" {
		again += ","
	}
	for back, err := range lines.Read(strings.NewReader(again + `"type":"a"}`)) {
		require.NoError(t, err)
		require.True(t, back.Same(line.Options), "%s is not %+v", options, back.Options)
	}
}

// endless is a line without an end, of n bytes.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.n)
	if n == 0 {
		return 0, io.EOF
	}
	e.n -= n
	for i := range p[:n] {
		p[i] = 'a'
	}
	return n, nil
}

func TestTooLongALineIsNotKept(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	input := io.MultiReader(strings.NewReader(`{"type":"a"}`+"\n"), &endless{4 * lines.MaxBytes}, strings.NewReader("\n"+`{"type":"b"}`))
	var said []string
	allocs.Within(t, lines.MaxBytes, 6, func() {
		for line, err := range lines.Read(input) {
			said = append(said, fmt.Sprint(line.Number, line.Type, err))
		}
	})
	require.Equal(t, []string{"1a<nil>", "2line 2: not a task: it has 33554433 bytes: write at most 8388608", "3b<nil>"}, said)
}
