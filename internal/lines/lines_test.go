package lines_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/lines"
)

func read(t *testing.T, text string) lines.Line {
	t.Helper()
	for line, err := range lines.Read(strings.NewReader(text)) {
		require.NoError(t, err)
		return line
	}
	require.Fail(t, "no line")
	return lines.Line{}
}

func TestLineSaysWhatItsPushAsksFor(t *testing.T) {
	t.Parallel()
	line := read(t, `{"type":"a","idFrom":"order/17","delay":"1h","expiresIn":"2h","headers":{"k":"v"},"track":true,`+
		`"unique":"key","uniqueFor":"3h","group":"g","fairKey":"f","maxAttempts":2,"runTimeout":"1m30s"}`)
	require.Equal(t, goflow.IDFrom("order/17"), line.ID)
	require.Equal(t, lines.Options{
		Delay: new(lines.Duration(time.Hour)), ExpiresIn: new(lines.Duration(2 * time.Hour)), Headers: map[string]string{"k": "v"},
		Track: new(true), Unique: new("key"), UniqueFor: new(lines.Duration(3 * time.Hour)), Group: new("g"), FairKey: new("f"),
		MaxAttempts: new(2), RunTimeout: new(lines.Duration(90 * time.Second)),
	}, line.Options)
	opts, err := line.Push()
	require.NoError(t, err)
	require.Len(t, opts, 9, "one for each, the key's two being one, and the ID being the task's")
}

func TestLineWinsOverFlagsOptionByOption(t *testing.T) {
	t.Parallel()
	flags := lines.Options{MaxAttempts: new(9), Group: new("flag"), Track: new(true), Headers: map[string]string{"a": "flag", "b": "flag"}}
	got := read(t, `{"type":"a","maxAttempts":2,"track":false,"headers":{"a":"line"}}`).Over(flags)
	require.Equal(t, lines.Options{
		MaxAttempts: new(2), Group: new("flag"), Track: new(false), Headers: map[string]string{"a": "line", "b": "flag"},
	}, got)
}

func TestOnlyTheSameGoesTogether(t *testing.T) {
	t.Parallel()
	one := lines.Options{Group: new("a"), Headers: map[string]string{"a": "1", "b": "2"}}
	require.True(t, one.Same(lines.Options{Group: new("a"), Headers: map[string]string{"b": "2", "a": "1"}}))
	require.False(t, one.Same(lines.Options{Group: new("b"), Headers: one.Headers}))
	require.False(t, one.Same(lines.Options{Group: new("a")}))
	require.False(t, lines.Options{}.Same(lines.Options{MaxAttempts: new(0)}), "a bad value is no missing one")
}

func TestBadOptionsAreNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"type":"a","delay":60}`:            `line 1: not a task: 60 is not a duration such as "1m30s"`,
		`{"type":"a","delay":"soon"}`:        `line 1: not a task: "soon" is not a duration such as 1m30s`,
		`{"type":"a","maxAttempts":"2"}`:     `line 1: not a task: a string in the wrong place`,
		`{"type":"a","max-attempts":2}`:      `line 1: not a task: unknown field "max-attempts"`,
		`{"type":"a","id":"x","idFrom":"y"}`: `line 1: id and idFrom: give one of the two`,
	} {
		for _, err := range lines.Read(strings.NewReader(text)) {
			require.ErrorContains(t, err, want)
		}
	}
}
