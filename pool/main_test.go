package pool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
	"github.com/jamesTait-jt/goflow/pool"
)

// samples is the program of the sample handlers.
func samples() programtest.Main {
	mux := goflow.NewMux()
	handlers.Register(mux)
	return pool.Program("localworker", mux)
}

func TestBadInput(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseClosedPort(t)
	const url = "http://127.0.0.1:1/q"
	named := []string{"-queue-url", url, "-dlq-url", url + "-dead", "-table", "t"}
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		code int
		want string
	}{
		"unknown flag":              {[]string{"-fast"}, nil, program.Usage, "flag provided but not defined: -fast: localworker -help"},
		"an argument":               {[]string{"start"}, nil, program.Usage, `unexpected argument "start"`},
		"queue is missing":          {nil, nil, program.Usage, "queue-url is missing: give a queue's URL or name as -queue-url or GOFLOW_QUEUE_URL"},
		"table is missing":          {[]string{"-queue-url", url}, nil, program.Usage, "table is missing"},
		"dead letters are missing":  {[]string{"-queue-url", url, "-table", "t"}, nil, program.Usage, "dlq-url is missing"},
		"dead letters are nothing":  {append(named, "-dlq-url", ""), nil, program.Usage, "dlq-url is missing"},
		"one queue for both":        {append(named, "-dlq-url", "q"), nil, program.Usage, "-dlq-url and -queue-url name the same queue, q: dead letters need one of their own"},
		"one queue for both, made":  {[]string{"-provision", "-queue-url", "q", "-dlq-url", "q"}, nil, program.Usage, "the dead-letter queue needs another name than the queue"},
		"queue is nothing":          {[]string{"-queue-url", "", "-table", "t", "-no-dlq"}, nil, program.Usage, "queue-url is missing"},
		"bad flag":                  {[]string{"-lease", "0s"}, nil, program.Usage, "-lease: 0s is out of range: give 2s to 11h"},
		"bad variable":              {nil, map[string]string{"GOFLOW_CONCURRENCY": "0"}, program.Usage, "GOFLOW_CONCURRENCY: 0 is out of range"},
		"unreachable":               {named, nil, program.Refused, "unavailable"},
		"unreachable, by name":      {[]string{"-queue-url", "q", "-table", "t", "-no-dlq"}, nil, program.Refused, "unavailable"},
		"unreachable, to provision": {[]string{"-provision"}, nil, program.Refused, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := samples().Run(t, programtest.Call{Args: test.args, Env: test.env})
			r.RequireOneLine(t, test.code, test.want)
		})
	}
}

func TestMissingRegionAndCredentials(t *testing.T) {
	programtest.UseNothing(t)
	call := programtest.Call{Args: []string{"-provision"}}
	samples().Run(t, call).RequireOneLine(t, program.Usage, "AWS region is missing: set AWS_REGION")
	t.Setenv("AWS_REGION", "us-east-1")
	samples().Run(t, call).RequireOneLine(t, program.Usage, "AWS credentials are missing")
}

func TestMissingQueueAndTable(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	_, env := programtest.Provision(t, localstack.Name(t))
	for name, args := range map[string][]string{
		"queue by name": {"-queue-url", "nothere"},
		"queue by URL":  {"-queue-url", env["GOFLOW_QUEUE_URL"] + "-nothere"},
		"dead letters":  {"-dlq-url", "nothere"},
		"table":         {"-table", "nothere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := samples().Run(t, programtest.Call{Args: args, Env: env})
			r.RequireOneLine(t, program.Refused, "nothere")
		})
	}
}

func TestAddressInUse(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	_, env := programtest.Provision(t, localstack.Name(t))
	taken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(taken.Close)
	addr := strings.TrimPrefix(taken.URL, "http://")
	r := samples().Run(t, programtest.Call{Args: []string{"-http-addr", addr}, Env: env})
	r.RequireOneLine(t, program.Usage, "http-addr "+addr)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := samples().Run(t, programtest.Call{Args: []string{"-help"}})
	require.Equal(t, program.OK, r.Code)
	require.Contains(t, r.Stdout, "-unknown-type-grace")
	require.Empty(t, r.Stderr)
}

func TestMemoryEndsWithAJobThatKeepsNoResult(t *testing.T) {
	t.Parallel()
	mux := goflow.NewMux()
	goflow.NewJob[int, int]("mail", goflow.NoResult()).Handle(mux, func(_ context.Context, n int) (int, error) {
		if n == 3 {
			return 0, goflow.Permanent(errors.New("no such address"))
		}
		return n, nil
	})
	r := programtest.Main(pool.Program("w", mux)).Run(t, programtest.Call{Args: []string{"-memory"}, Stdin: strings.Repeat(`{"type":"mail","payload":1}`+"\n", 1500) +
		`{"type":"mail","payload":3}` + "\n" + `{"type":"mail","payload":4,"track":true}`})
	require.Equal(t, program.OK, r.Code, r.Stderr)
	require.Equal(t, 1501, strings.Count(r.Stdout, `"state":"done"`), "more than are waited for at a time")
	require.Equal(t, 1, strings.Count(r.Stdout, `"state":"dead"`))
}

// outcomes reads the lines that -memory wrote, by type.
func outcomes(t *testing.T, stdout string) map[string]program.Outcome {
	t.Helper()
	all := map[string]program.Outcome{}
	for line := range strings.Lines(stdout) {
		var o program.Outcome
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		all[o.Type] = o
	}
	return all
}

func TestMemory(t *testing.T) {
	t.Parallel()
	r := samples().Run(t, programtest.Call{
		Args: []string{"-memory", "-backoff", "1ms", "-log-level", "error"},
		Stdin: `{"type":"sample.echo","payload":{"a":[1,"<"]}}
{"type":"sample.flaky","payload":{"fail":2}}

{"type":"sample.fail","payload":{"message":"no"}}
{"type":"nobody.knows"}`,
	})
	require.Equal(t, program.OK, r.Code, r.Stderr)
	got := outcomes(t, r.Stdout)
	require.Len(t, got, 4)
	require.Equal(t, `{"a":[1,"<"]}`, string(got["sample.echo"].Result))
	require.Equal(t, "done", got["sample.flaky"].State)
	require.Equal(t, 3, got["sample.flaky"].Attempts)
	require.Equal(t, "dead", got["sample.fail"].State)
	require.Equal(t, "no", got["sample.fail"].Error)
	require.Equal(t, "dead", got["nobody.knows"].State)
	require.Contains(t, got["nobody.knows"].Error, goflow.ErrUnknownType.Error())
}

func TestMemoryDoesWhatALineAsksFor(t *testing.T) {
	t.Parallel()
	r := samples().Run(t, programtest.Call{
		Args: []string{"-memory", "-backoff", "1ms", "-log-level", "error"},
		Stdin: `{"type":"sample.flaky","payload":{"fail":9},"maxAttempts":2}
{"type":"sample.echo","id":"0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f","delay":"10ms"}`,
	})
	require.Equal(t, program.OK, r.Code, r.Stderr)
	got := outcomes(t, r.Stdout)
	require.Equal(t, 2, got["sample.flaky"].Attempts)
	require.Equal(t, "0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f", got["sample.echo"].ID)
}

func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(file, []byte("memory: true\nmax-attempts: 2\nbackoff: 1ms\nlog-level: error\n"), 0o600))
	r := samples().Run(t, programtest.Call{
		Args: []string{"-config", file}, Stdin: `{"type":"sample.flaky","payload":{"fail":9}}`,
	})
	require.Equal(t, program.OK, r.Code, r.Stderr)
	require.Equal(t, 2, outcomes(t, r.Stdout)["sample.flaky"].Attempts)
	samples().Run(t, programtest.Call{Args: []string{"-config", file + "x"}}).
		RequireOneLine(t, program.Usage, "-config: open "+file+"x")
}

func TestMemoryNamesBadLinesAndRunsTheOthers(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"no JSON":        `nonsense`,
		"cut off":        `{"type":"sample.echo","payload":[1`,
		"no type":        `{"payload":1}`,
		"a bad type":     `{"type":"no good","payload":1}`,
		"an extra field": `{"type":"sample.echo","delay":1}`,
		"two in a line":  `{"type":"a"}{"type":"b"}`,
		"no object":      `["sample.echo"]`,
		"too large":      `{"type":"sample.echo","payload":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const good = `{"type":"sample.echo","payload":1}`
			r := samples().Run(t, programtest.Call{Args: []string{"-memory"}, Stdin: good + "\n" + bad + "\n" + good})
			require.Equal(t, program.Usage, r.Code)
			require.Regexp(t, `^localworker: line 2: [^\n]+\n$`, r.Stderr)
			require.Equal(t, 2, strings.Count(r.Stdout, `"state":"done"`))
		})
	}
}

func TestMemoryStopsWhileItsInputIsOpen(t *testing.T) {
	t.Parallel()
	stdin, feed := io.Pipe()
	t.Cleanup(func() { _ = feed.Close() })
	stdout, results := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- samples()(ctx, program.Surroundings{
			Args: []string{"-memory"}, Getenv: func(string) string { return "" }, Stdin: stdin, Stdout: results, Stderr: io.Discard,
		})
	}()
	_, err := io.WriteString(feed, `{"type":"sample.echo","payload":1}`+"\n")
	require.NoError(t, err)
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	stop()
	require.Equal(t, program.OK, <-ended)
}

func TestProbes(t *testing.T) {
	t.Parallel()
	worker, err := goflow.NewWorker(memory.NewBroker(memory.PollWait(time.Millisecond)), memory.NewStore(), goflow.NewMux(), goflow.NoDeadLetters())
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	pollWait := time.Minute
	status := func(path string) int {
		w := httptest.NewRecorder()
		pool.Probes(ctx, worker, pollWait).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
		return w.Code
	}
	require.Equal(t, http.StatusOK, status("/healthz"))
	require.Equal(t, http.StatusOK, status("/metrics"))
	require.Equal(t, http.StatusServiceUnavailable, status("/readyz"), "it has not received yet")
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	require.Eventually(t, func() bool { return status("/readyz") == http.StatusOK }, 5*time.Second, time.Millisecond)
	pollWait = 0
	require.Equal(t, http.StatusServiceUnavailable, status("/readyz"), "the last receive is too long ago")
	pollWait = time.Minute
	stop()
	require.Equal(t, http.StatusServiceUnavailable, status("/readyz"), "it drains")
	require.Equal(t, http.StatusOK, status("/healthz"))
	require.NoError(t, <-ended)
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String returns the log so far.
func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestWorkerRunsTasksAndDrains(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	settings, env := programtest.Provision(t, localstack.Name(t))
	env["GOFLOW_HTTP_ADDR"] = "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	var log safeBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- samples()(ctx, program.Surroundings{
			Args: []string{"-poll-wait", "1s", "-provision"}, Getenv: func(key string) string { return env[key] },
			Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &log,
		})
	}()
	parts, err := config.Open(ctx, settings)
	require.NoError(t, err)
	client, err := goflow.NewClient(parts.Queue, parts.Table)
	require.NoError(t, err)
	id, err := client.Push(ctx, "sample.echo", json.RawMessage(`{"n":1}`))
	require.NoError(t, err)
	rec, err := client.Wait(ctx, id)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(rec.Result), log.String())
	require.Eventually(t, func() bool {
		status, _ := asked(t, log.String(), "/readyz")
		return status == http.StatusOK
	}, 5*time.Second, 50*time.Millisecond)
	status, metrics := asked(t, log.String(), "/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, metrics, `goflow_aws_calls_total{operation="BatchExecuteStatement",service="DynamoDB"} 1`)
	stop()
	require.Equal(t, program.OK, <-ended)
	require.Contains(t, log.String(), `"msg":"worker drains"`)
	for line := range strings.Lines(log.String()) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

// asked is what the worker answers at the address that its log names, once it does.
func asked(t *testing.T, log, path string) (status int, body string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry struct {
			Address string `json:"address"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Address == "" {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s%s", entry.Address, path), nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, string(text)
	}
	return 0, ""
}
