package config_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// load loads a program's settings from flags and variables.
func load(t *testing.T, p config.Program, flags, env map[string]string) (config.Settings, error) {
	t.Helper()
	l := config.NewLoader(p, "-", func(key string) string { return env[key] })
	known := map[string]*config.Value{}
	l.Flags(func(name string, v *config.Value) { known[name] = v })
	for name, text := range flags {
		require.Contains(t, known, name)
		require.NoError(t, known[name].Set(text))
	}
	return l.Load()
}

func TestDocumentIsGenerated(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	require.Equal(t, config.Markdown(), string(doc), "run go generate ./internal/config")
}

func TestDefaultsAreThoseOfTheLibrary(t *testing.T) {
	t.Parallel()
	s, err := load(t, config.Worker, nil, nil)
	require.NoError(t, err)
	require.Equal(t, config.Settings{
		MaxAttempts: goflow.DefaultMaxAttempts, Timeout: goflow.DefaultTimeout,
		Backoff: goflow.DefaultBackoffBase, BackoffCap: goflow.DefaultBackoffCap,
		Lease: goflow.DefaultLease, PollWait: goflow.DefaultPollWait, Drain: goflow.DefaultDrain,
		Margin:           goflow.DefaultMargin,
		UnknownTypeGrace: goflow.DefaultUnknownTypeGrace, RecordTTL: goflow.DefaultRecordTTL,
		HTTPAddr: "127.0.0.1:8080", LogLevel: "info", LogFormat: "auto", Output: "text", GRPCAddr: "127.0.0.1:9090",
	}, s)
}

func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.Table() {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		require.Regexp(t, `^[a-z]+(-[a-z]+)*$`, s.Name)
		require.Equal(t, "GOFLOW_"+strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")), s.Env())
		require.NotEmpty(t, s.Meaning, s.Name)
		require.NotContains(t, s.Meaning, "\n", s.Name)
		require.NotEmpty(t, s.Allowed, s.Name)
		require.NotZero(t, s.Programs, s.Name)
	}
}

func TestFlagWinsOverVariableOverDefault(t *testing.T) {
	t.Parallel()
	env := map[string]string{"GOFLOW_LEASE": "30s", "GOFLOW_DRAIN": "3s", "GOFLOW_TABLE": ""}
	s, err := load(t, config.Worker, map[string]string{"lease": "10s"}, env)
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, s.Lease)
	require.Equal(t, 3*time.Second, s.Drain)
	require.Equal(t, goflow.DefaultTimeout, s.Timeout)
	require.Empty(t, s.Table)
}

func TestStackStandsBetweenFlagAndVariable(t *testing.T) {
	t.Parallel()
	l := config.NewLoader(config.CLI, "--", func(key string) string {
		return map[string]string{"GOFLOW_QUEUE_URL": "variable", "GOFLOW_TABLE": "variable", "GOFLOW_DLQ_URL": "variable"}[key]
	})
	l.Flags(func(name string, v *config.Value) {
		if name == "table" {
			require.NoError(t, v.Set("flag"))
		}
	})
	l.Stack("s", map[string]string{"queue-url": "stack", "table": "stack"})
	s, err := l.Load()
	require.NoError(t, err)
	require.Equal(t, []string{"stack", "flag", "variable"}, []string{s.QueueURL, s.Table, s.DLQURL})
	require.Equal(t, "stack s", l.Where("queue-url"))
	require.Equal(t, "--table", l.Where("table"))
}

func TestProgramIgnoresSettingsOfOthers(t *testing.T) {
	t.Parallel()
	_, err := load(t, config.CLI, nil, map[string]string{"GOFLOW_LEASE": "nonsense"})
	require.NoError(t, err)
}

func TestBadValuesAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags, env map[string]string
		want       string
	}{
		"duration in a variable": {nil, map[string]string{"GOFLOW_LEASE": "soon"}, `GOFLOW_LEASE: "soon" is not a duration such as 1m30s: give 2s to 11h`},
		"duration in a flag":     {map[string]string{"poll-wait": "21s"}, nil, `-poll-wait: 21s is out of range: give 1s to 20s`},
		"record for ever":        {map[string]string{"record-ttl": "2000000h"}, nil, `-record-ttl: 2000000h is out of range: give 1s to 876600h`},
		"no poll wait at all":    {map[string]string{"poll-wait": "0"}, nil, `-poll-wait: 0s is out of range`},
		"parts of a second":      {map[string]string{"poll-wait": "1500ms"}, nil, `-poll-wait: 1.5s is not whole seconds`},
		"number":                 {nil, map[string]string{"GOFLOW_CONCURRENCY": "many"}, `GOFLOW_CONCURRENCY: "many" is not a whole number: give 1 to 10000`},
		"number out of range":    {map[string]string{"max-attempts": "0"}, nil, `-max-attempts: 0 is out of range: give 1 to 1000`},
		"choice":                 {map[string]string{"log-format": "xml"}, nil, `-log-format: "xml" is none of the choices: give auto, json, text`},
		"boolean":                {nil, map[string]string{"GOFLOW_NO_DLQ": "perhaps"}, `GOFLOW_NO_DLQ: "perhaps" is neither true nor false`},
		"backoff over its cap":   {map[string]string{"backoff": "1h"}, nil, `-backoff: 1h is over -backoff-cap 15m`},
		"both ways with the dead": {
			map[string]string{"no-dlq": "true"},
			map[string]string{"GOFLOW_DLQ_URL": "q"},
			`-no-dlq: GOFLOW_DLQ_URL names a dead-letter queue too`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, config.Worker, test.flags, test.env)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
			require.ErrorAs(t, err, new(*config.Error))
		})
	}
}

// A program that is told to stop while it looks for credentials has not found that
// there are none.
func TestStopWhileCredentialsAreLookedFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cfg := aws.Config{Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		cancel()
		return aws.Credentials{}, ctx.Err()
	})}
	_, err := config.CheckCredentials(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	_, bad := errors.AsType[*config.Error](err)
	require.False(t, bad)
}
