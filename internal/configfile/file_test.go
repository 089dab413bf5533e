package configfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/configfile"
)

// write makes a file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func variables(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestEachProgramTakesItsOwnSettings(t *testing.T) {
	t.Parallel()
	getenv := variables(map[string]string{"GOFLOW_CONFIG": write(t, "table: t\nconcurrency: 3\ngrpc-addr: :9\nno-dlq: true\ndlq-url:\n")})
	cli, server, worker := config.NewLoader(config.CLI, "--", getenv), config.NewLoader(config.Server, "--", getenv), config.NewLoader(config.Worker, "-", getenv)
	require.NoError(t, configfile.Read(getenv, cli, server))
	require.NoError(t, configfile.Read(getenv, worker))
	s, err := cli.Load()
	require.NoError(t, err)
	require.Equal(t, []any{"t", 0}, []any{s.Table, s.Concurrency})
	s, err = server.Load()
	require.NoError(t, err)
	require.Equal(t, ":9", s.GRPCAddr)
	s, err = worker.Load()
	require.NoError(t, err)
	require.Equal(t, []any{"t", 3, true, ""}, []any{s.Table, s.Concurrency, s.NoDLQ, s.DLQURL})
}

func TestVariableWinsOverTheFileAndAFlagOverBoth(t *testing.T) {
	t.Parallel()
	getenv := variables(map[string]string{
		"GOFLOW_CONFIG": write(t, "table: file\nqueue-url: file\ndlq-url: file\n"), "GOFLOW_TABLE": "variable", "GOFLOW_QUEUE_URL": "variable",
	})
	l := config.NewLoader(config.CLI, "--", getenv)
	l.Flags(func(name string, v *config.Value) {
		if name == "table" {
			require.NoError(t, v.Set("flag"))
		}
	})
	require.NoError(t, configfile.Read(getenv, l))
	s, err := l.Load()
	require.NoError(t, err)
	require.Equal(t, []string{"flag", "variable", "file"}, []string{s.Table, s.QueueURL, s.DLQURL})
	require.Equal(t, "--table", l.Where("table"))
	require.Regexp(t, `own.yaml:3: dlq-url$`, l.Where("dlq-url"))
}

func TestStackStandsWhereItIsNamed(t *testing.T) {
	t.Parallel()
	of := map[string]string{"queue-url": "stack", "table": "stack"}
	load := func(file string, env map[string]string) config.Settings {
		env["GOFLOW_CONFIG"] = write(t, file)
		l := config.NewLoader(config.CLI, "--", variables(env))
		require.NoError(t, configfile.Read(variables(env), l))
		l.Stack("s", of)
		s, err := l.Load()
		require.NoError(t, err)
		return s
	}
	s := load("stack: s\nqueue-url: file\n", map[string]string{"GOFLOW_TABLE": "variable"})
	require.Equal(t, []string{"stack", "variable"}, []string{s.QueueURL, s.Table}, "in the file, variables win over it")
	s = load("stack: t\nqueue-url: file\n", map[string]string{"GOFLOW_STACK": "s", "GOFLOW_TABLE": "variable"})
	require.Equal(t, []string{"stack", "stack"}, []string{s.QueueURL, s.Table}, "in a variable, it wins over them")
}

func TestEmptyFileIsNoSettings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing yet\n"} {
		getenv := variables(map[string]string{"GOFLOW_CONFIG": write(t, text)})
		require.NoError(t, configfile.Read(getenv, config.NewLoader(config.CLI, "--", getenv)), "%q", text)
	}
}

func TestBadFilesAreOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"- a\n":                "own.yaml:1: no settings: write each as name: value",
		"table\n":              "own.yaml:1: no settings",
		"table: t\n---\na: b":  "own.yaml: more than one document",
		"table: [a, b]\n":      "own.yaml:1: table has more than one value",
		"\n\nconfig: a.yaml\n": `own.yaml:3: unknown key "config"`,
		"margin: 1s\n":         `own.yaml:1: unknown key "margin"`,
		"a: &x b\ntable: *x\n": `own.yaml:1: unknown key "a"`,
		"table: \"t\n":         "own.yaml:2: not YAML: ",
		"a: b\n\tc: d\n":       "own.yaml:2: not YAML: ",
	} {
		getenv := variables(map[string]string{"GOFLOW_CONFIG": write(t, text)})
		err := configfile.Read(getenv, config.NewLoader(config.CLI, "--", getenv))
		require.ErrorContains(t, err, want, "%q", text)
		require.NotContains(t, err.Error(), "\n")
		require.ErrorAs(t, err, new(*config.Error))
	}
}
