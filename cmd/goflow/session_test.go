package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// The sessions in testdata/sessions are what somebody types into a shell, and
// what comes of it:
//
//	$ command
//	standard output
//	! standard error
//	[exit code, unless it is 0]
//
// A command after $? is repeated until it comes to what is written. "% worker"
// starts a worker, "% break" takes away what doctor looks for. {queue} is the
// queue's name, {endpoint} LocalStack, {time} a time, {id1} the first task ID that
// was printed, in commands too.

var update = flag.Bool("update", false, "write down what the sessions come to")

// actAs makes a copy of this test the program itself.
const actAs = "GOFLOW_TEST_ACT_AS"

func TestMain(m *testing.M) {
	if os.Getenv(actAs) == name {
		main()
	}
	os.Exit(m.Run())
}

// refuseInCI keeps a session from being made to fit where nobody looks at it.
func refuseInCI(t *testing.T) {
	t.Helper()
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update is refused where CI is set: write sessions down by hand, and look at them")
	}
}

func TestSessions(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	refuseInCI(t)
	files, err := filepath.Glob("testdata/sessions/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	endpoint := *localstack.Config(t).BaseEndpoint
	programtest.UseEndpoint(t, endpoint)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			newSession(t, endpoint).play(file)
		})
	}
}

// TestUpdateIsRefusedInCI runs this test again, as CI would.
func TestUpdateIsRefusedInCI(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestSessions$", "-update")
	cmd.Env = append(os.Environ(), "CI=true")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "-update is refused")
}

// session is somebody's shell.
type session struct {
	*testing.T

	dir      string
	settings config.Settings
	env      []string
	text     string            // of the file
	names    *strings.Replacer // what differs from run to run
	ids      []string          // that were printed
}

func newSession(t *testing.T, endpoint string) *session {
	t.Helper()
	s := &session{T: t, dir: t.TempDir()}
	queue := localstack.Name(t)
	var places map[string]string
	s.settings, places = programtest.Provision(t, queue)
	s.names = strings.NewReplacer(queue, "{queue}", endpoint, "{endpoint}", s.dir, "{dir}")
	s.env = programEnv(t, s.dir)
	for name, value := range places {
		s.env = append(s.env, name+"="+value)
	}
	return s
}

// programEnv is an environment in which goflow is this test's own program.
func programEnv(t *testing.T, home string) []string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(bin, name)))
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "GOFLOW_") || strings.HasPrefix(pair, "XDG_") || strings.HasPrefix(pair, "NO_COLOR=")
	})
	return append(env, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, actAs+"="+name)
}

// step is a command and what it comes to, or lines that are none.
type step struct{ line, want string }

func steps(text string) (all []step) {
	for line := range strings.Lines(text) {
		if last := len(all) - 1; last < 0 || strings.HasPrefix(line, "$") || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "#") {
			all = append(all, step{line: strings.TrimSuffix(line, "\n")})
		} else {
			all[last].want += line
		}
	}
	return all
}

func (s *session) play(file string) {
	s.Helper()
	text, err := os.ReadFile(file)
	require.NoError(s, err)
	s.text = string(text)
	var played strings.Builder
	for _, st := range steps(s.text) {
		got := s.do(st)
		if !*update {
			require.Equal(s, st.want, got, "%s: %s", file, st.line)
		}
		fmt.Fprintf(&played, "%s\n%s", st.line, got)
	}
	if *update {
		require.NoError(s, os.WriteFile(file, []byte(played.String()), 0o600))
	}
}

// do returns what a step comes to, with the blank line that may follow it.
func (s *session) do(st step) string {
	s.Helper()
	blank := ""
	if strings.HasSuffix("\n"+st.want, "\n\n") {
		blank = "\n"
	}
	marker, command, _ := strings.Cut(st.line, " ")
	switch marker {
	case "$":
		return s.run(command) + blank
	case "$?":
		return s.until(command, strings.TrimSuffix(st.want, blank)) + blank
	case "%":
		s.prepare(command)
	}
	return st.want
}

func (s *session) prepare(what string) {
	s.Helper()
	switch what {
	case "worker":
		startWorker(s.T, s.settings)
	case "break":
		breakPlaces(s.T, s.settings)
	default:
		require.Fail(s, "unknown step", what)
	}
}

// until repeats a command until it comes to what is wanted, for a minute.
func (s *session) until(command, want string) (got string) {
	s.Helper()
	for end := time.Now().Add(time.Minute); ; {
		ids := slices.Clone(s.ids)
		if got = s.run(command); got == want || time.Now().After(end) {
			return got
		}
		s.ids = ids
	}
}

// run types a command into a shell.
func (s *session) run(command string) string {
	s.Helper()
	for i, id := range s.ids {
		command = strings.ReplaceAll(command, fmt.Sprintf("{id%d}", i+1), id)
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Env = s.dir, s.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := 0
	if err := cmd.Run(); err != nil {
		exit, ended := errors.AsType[*exec.ExitError](err)
		require.True(s, ended, "%s: %v", command, err)
		code = exit.ExitCode()
	}
	var got strings.Builder
	got.WriteString(s.mask(stdout.String()))
	for line := range strings.Lines(s.mask(stderr.String())) {
		got.WriteString("! " + line)
	}
	if code != 0 {
		fmt.Fprintf(&got, "[%d]\n", code)
	}
	return got.String()
}

var (
	anID  = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	aTime = regexp.MustCompile(`20\d\d-\d\d-\d\dT[\d:.]+Z`)
)

// mask names what differs from run to run. IDs that the file names itself stay.
func (s *session) mask(text string) string {
	text = anID.ReplaceAllStringFunc(s.names.Replace(text), func(id string) string {
		if strings.Contains(s.text, id) {
			return id
		}
		at := slices.Index(s.ids, id)
		if at < 0 {
			at = len(s.ids)
			s.ids = append(s.ids, id)
		}
		return fmt.Sprintf("{id%d}", at+1)
	})
	return aTime.ReplaceAllString(text, "{time}")
}
