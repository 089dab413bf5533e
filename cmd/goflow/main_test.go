package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// freshID is the ID of a task that nobody has pushed, and that may still come:
// a UUIDv7 of now.
func freshID() string {
	ms := time.Now().UnixMilli()
	tail := make([]byte, 10)
	_, _ = rand.Read(tail) // never fails
	h := fmt.Sprintf("%012x7%03x8%015x", ms, tail[0], tail[1])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// startWorker runs the samples on the settings' queues until the test ends.
func startWorker(t *testing.T, s config.Settings) {
	t.Helper()
	s.Lease, s.PollWait = 5*time.Second, time.Second
	parts, err := config.Open(t.Context(), s)
	require.NoError(t, err)
	mux := goflow.NewMux()
	handlers.Register(mux)
	worker, err := goflow.NewWorker(parts.Queue, parts.Table, mux, goflow.DeadLetters(parts.Dead),
		goflow.Backoff(time.Millisecond, time.Second))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

func TestBadInput(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseClosedPort(t)
	queue := map[string]string{"GOFLOW_QUEUE_URL": "http://127.0.0.1:1/q", "GOFLOW_TABLE": "t"}
	for name, test := range map[string]struct {
		args  []string
		env   map[string]string
		stdin string
		code  int
		want  string
	}{
		"unknown command":       {[]string{"pusj"}, nil, "", program.Usage, `unknown command "pusj": goflow --help lists them`},
		"unknown flag":          {[]string{"stats", "--fast"}, nil, "", program.Usage, "unknown flag: --fast: goflow stats --help"},
		"server for everybody":  {[]string{"server", "--grpc-addr", "0.0.0.0:0"}, queue, "", program.Usage, "everybody could do everything: give --credentials"},
		"server on any address": {[]string{"server", "--grpc-addr", ":0", "--plain-text=true"}, queue, "", program.Usage, "everybody could do everything: give --credentials"},
		"unknown format":        {[]string{"version", "-o", "xml"}, nil, "", program.Usage, "give text, json or yaml"},
		"too many arguments":    {[]string{"get", "a", "b"}, nil, "", program.Usage, "2 arguments: the usage is goflow get ID"},
		"no arguments":          {[]string{"push"}, nil, "", program.Usage, "0 arguments: the usage is goflow push"},
		"queue is missing":      {[]string{"push", "a", "1"}, nil, "", program.Usage, "queue-url is missing: give a queue's URL or name as --queue-url or GOFLOW_QUEUE_URL"},
		"table is missing":      {[]string{"get", "a"}, nil, "", program.Usage, "table is missing"},
		"queue is nothing":      {[]string{"push", "--queue-url", "", "a", "1"}, nil, "", program.Usage, "queue-url is missing"},
		"table is nothing":      {[]string{"get", "--table=", "a"}, nil, "", program.Usage, "table is missing"},
		"bad variable":          {[]string{"get", "a"}, map[string]string{"GOFLOW_RECORD_TTL": "x"}, "", program.Usage, "GOFLOW_RECORD_TTL"},
		"malformed payload":     {[]string{"push", "a", `{"n":`}, queue, "", program.Usage, "payload: not valid JSON"},
		"malformed input":       {[]string{"push", "a", "-"}, queue, `nul`, program.Usage, "payload: not valid JSON"},
		"missing file":          {[]string{"push", "a", "@nothere"}, queue, "", program.Usage, "payload: open nothere"},
		"payload is missing":    {[]string{"push", "a"}, queue, "", program.Usage, `push "a": give its payload too`},
		"bad task type":         {[]string{"push", "a b", "1"}, queue, "", program.Usage, `invalid task type "a b"`},
		"bad ID":                {[]string{"get", "nope"}, queue, "", program.Usage, `invalid task ID "nope": give a UUID`},
		"certificate alone":     {[]string{"get", freshID(), "--server", "127.0.0.1:1", "--client-cert", "c"}, nil, "", program.Usage, "--client-cert and --client-key go together: give both, or none"},
		"key alone":             {[]string{"get", freshID(), "--server", "127.0.0.1:1"}, map[string]string{"GOFLOW_CLIENT_KEY": "k"}, "", program.Usage, "--client-cert and GOFLOW_CLIENT_KEY go together"},
		"no time to wait":       {[]string{"wait", freshID(), "--timeout", "0s"}, queue, "", program.Usage, "--timeout 0s: give more than 0"},
		"push, unreachable":     {[]string{"push", "a", "1"}, queue, "", program.Refused, "unavailable"},
		"push --wait, the same": {[]string{"push", "a", "1", "--wait"}, queue, "", program.Refused, "unavailable"},
		"lines, the same":       {[]string{"push", "-"}, queue, `{"type":"a"}`, program.Refused, "unavailable"},
		"get, the same":         {[]string{"get", freshID()}, queue, "", program.Refused, "unavailable"},
		"wait, the same":        {[]string{"wait", freshID()}, queue, "", program.Refused, "unavailable"},
		"stats, the same":       {[]string{"stats"}, queue, "", program.Refused, "unavailable"},
		"stack, the same":       {[]string{"stats", "--stack", "s"}, nil, "", program.Refused, "stack s: unavailable: no answer from CloudFormation"},
		"provision a stack":     {[]string{"provision", "--stack", "s"}, nil, "", program.Usage, "--stack: provision makes what needs no stack"},
		"the same, by variable": {[]string{"provision"}, map[string]string{"GOFLOW_STACK": "s"}, "", program.Usage, "GOFLOW_STACK: provision"},
		"provision, the same":   {[]string{"provision"}, nil, "", program.Refused, "unavailable"},
		"name of a queue, same": {[]string{"stats", "--queue-url", "q"}, nil, "", program.Refused, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Main(run).Run(t, programtest.Call{Args: test.args, Env: test.env, Stdin: test.stdin})
			r.RequireOneLine(t, test.code, test.want)
		})
	}
}

func TestMissingRegionAndCredentials(t *testing.T) {
	programtest.UseNothing(t)
	call := programtest.Call{Args: []string{"stats", "--queue-url", "q"}}
	programtest.Main(run).Run(t, call).RequireOneLine(t, program.Usage, "AWS region is missing: set AWS_REGION")
	t.Setenv("AWS_REGION", "us-east-1")
	programtest.Main(run).Run(t, call).RequireOneLine(t, program.Usage, "AWS credentials are missing")
}

func TestMissingQueueAndTable(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	_, env := programtest.Provision(t, localstack.Name(t))
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"queue by name":   {[]string{"stats", "--queue-url", "nothere"}, "nothere"},
		"queue by URL":    {[]string{"push", "a", "1", "--queue-url", env["GOFLOW_QUEUE_URL"] + "x"}, "refused"},
		"dead letters":    {[]string{"stats", "--dlq-url", "nothere"}, "nothere"},
		"table of a get":  {[]string{"get", freshID(), "--table", "nothere"}, "nothere"},
		"table of a wait": {[]string{"push", "a", "1", "--wait", "--table", "nothere"}, "nothere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Main(run).Run(t, programtest.Call{Args: test.args, Env: env})
			r.RequireOneLine(t, program.Refused, test.want)
		})
	}
}

func TestPushAndRead(t *testing.T) {
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	settings, env := programtest.Provision(t, localstack.Name(t))
	goflowRun := func(t *testing.T, stdin string, args ...string) programtest.Result {
		t.Helper()
		return programtest.Main(run).Run(t, programtest.Call{Args: args, Env: env, Stdin: stdin})
	}
	stats := goflowRun(t, "", "stats")
	require.Equal(t, "visible    ≈ 0\nin flight  ≈ 0\ndelayed    ≈ 0\ndead       ≈ 0\n", stats.Stdout, stats.Stderr)
	queued := goflowRun(t, "", "push", "sample.echo", `{"queued":true}`)
	require.Equal(t, program.OK, queued.Code, queued.Stderr)
	id := strings.TrimSpace(queued.Stdout)
	goflowRun(t, "", "get", id).RequireOneLine(t, program.NoRecord, id)
	goflowRun(t, "", "wait", id, "--timeout", "100ms").RequireOneLine(t, program.TimedOut, id)
	stats = goflowRun(t, "", "stats", "-o", "json")
	require.JSONEq(t, `{"visible":1,"inFlight":0,"delayed":0,"dead":0,"approximate":true}`, stats.Stdout)
	startWorker(t, settings)
	require.JSONEq(t, `{"queued":true}`, goflowRun(t, "", "wait", id).Stdout)
	require.JSONEq(t, `{"queued":true}`, goflowRun(t, "", "get", id).Stdout)

	t.Run("push --wait prints the result", func(t *testing.T) {
		t.Parallel()
		r := goflowRun(t, "", "push", "sample.echo", `{"hello":"<wörld>"}`, "--wait")
		require.Equal(t, programtest.Result{Stdout: `{"hello":"<wörld>"}` + "\n"}, r)
	})
	t.Run("a payload from standard input", func(t *testing.T) {
		t.Parallel()
		r := goflowRun(t, "[1,\n2]", "push", "sample.echo", "-", "--wait", "-o", "json")
		var got program.Outcome
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got), r.Stderr)
		require.Equal(t, "done", got.State)
		require.Equal(t, 1, got.Attempts)
		require.JSONEq(t, `[1,2]`, string(got.Result))
	})
	t.Run("a payload from a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "payload.json")
		require.NoError(t, os.WriteFile(file, []byte(`"text"`), 0o600))
		require.Equal(t, "\"text\"\n", goflowRun(t, "", "push", "sample.echo", "@"+file, "--wait").Stdout)
	})
	t.Run("a task that fails", func(t *testing.T) {
		t.Parallel()
		r := goflowRun(t, "", "push", "sample.fail", `{"message":"broken"}`, "--wait")
		r.RequireOneLine(t, program.Failed, "is dead: broken")
		r = goflowRun(t, "", "push", "sample.flaky", `{"fail":99}`, "--wait", "-o", "yaml")
		require.Equal(t, program.Failed, r.Code)
		var got program.Outcome
		require.NoError(t, yaml.Unmarshal([]byte(r.Stdout), &got))
		require.Equal(t, "dead", got.State)
		require.Equal(t, goflow.DefaultMaxAttempts, got.Attempts)
	})
	t.Run("lines, the bad ones named", func(t *testing.T) {
		t.Parallel()
		const in = `{"type":"sample.echo","payload":1}` + "\nnonsense\n\n" + `{"type":"no good"}` + "\n" + `{"type":"sample.echo","payload":2}`
		r := goflowRun(t, in, "push", "-")
		require.Equal(t, program.Usage, r.Code)
		require.Contains(t, r.Stderr, "goflow: line 2: ")
		require.Contains(t, r.Stderr, "goflow: line 4: ")
		require.Equal(t, 2, strings.Count(r.Stderr, "\n"), r.Stderr)
		ids := strings.Fields(r.Stdout)
		require.Len(t, ids, 2)
		for i, id := range ids {
			require.Equal(t, fmt.Sprintln(i+1), goflowRun(t, "", "wait", id).Stdout)
		}
	})
	t.Run("lines, awaited", func(t *testing.T) {
		t.Parallel()
		r := goflowRun(t, `{"type":"sample.echo"}`+"\n"+`{"type":"sample.fail","payload":{}}`, "push", "-", "--wait")
		require.Equal(t, program.Failed, r.Code, r.Stderr)
		require.Contains(t, r.Stdout, " done null\n")
		require.Contains(t, r.Stdout, " dead this sample always fails\n")
	})
	t.Run("a payload over the limit", func(t *testing.T) {
		t.Parallel()
		r := goflowRun(t, `"`+strings.Repeat("x", 1<<20)+`"`, "push", "sample.echo", "-")
		r.RequireOneLine(t, program.Usage, "too large")
	})
	t.Run("a message sent by hand", func(t *testing.T) {
		t.Parallel()
		id := sendByHand(t, settings.QueueURL, `{"v":1,"type":"sample.echo","payload":{"from":"boto3"}}`)
		r := goflowRun(t, "", "wait", id)
		require.Equal(t, "{\"from\":\"boto3\"}\n", r.Stdout, r.Stderr)
	})
}

func TestStack(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	cfg := localstack.Config(t)
	programtest.UseEndpoint(t, *cfg.BaseEndpoint)
	name := localstack.Stack(t, localstack.Places)
	places, err := stack.Read(t.Context(), cfg, name)
	require.NoError(t, err)
	startWorker(t, config.Settings{QueueURL: places.QueueURL, DLQURL: places.DeadQueueURL, Table: places.Table})

	// The stack stands for all places, whatever the environment says of them.
	env := map[string]string{"GOFLOW_STACK": name, "GOFLOW_QUEUE_URL": "nothere", "GOFLOW_DLQ_URL": "nothere", "GOFLOW_TABLE": "nothere"}
	goflowRun := func(t *testing.T, stdin string, args ...string) programtest.Result {
		t.Helper()
		return programtest.Main(run).Run(t, programtest.Call{Args: args, Env: env, Stdin: stdin})
	}
	pushed := goflowRun(t, "", "push", "sample.echo", "1")
	require.Equal(t, program.OK, pushed.Code, pushed.Stderr)
	id := strings.TrimSpace(pushed.Stdout)
	require.Equal(t, programtest.Result{Stdout: "1\n"}, goflowRun(t, "", "wait", id))
	for command, test := range map[string]struct {
		args  []string
		stdin string
		want  string
	}{
		"get":           {[]string{"get", id}, "", "1\n"},
		"push --wait":   {[]string{"push", "sample.echo", "2", "--wait"}, "", "2\n"},
		"lines":         {[]string{"push", "-", "--wait"}, `{"type":"sample.echo","payload":3}`, " done 3\n"},
		"stats":         {[]string{"stats"}, "", "dead       ≈ 0\n"},
		"stack by flag": {[]string{"stats", "--stack", name}, "", "dead       ≈ 0\n"},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			r := goflowRun(t, test.stdin, test.args...)
			require.Equal(t, program.OK, r.Code, r.Stderr)
			require.Contains(t, r.Stdout, test.want)
		})
	}
	goflowRun(t, "", "get", id, "--table", "overthere").RequireOneLine(t, program.Refused, "overthere")
	goflowRun(t, "", "get", id, "--stack", name+"x").RequireOneLine(t, program.Refused, "does not exist; check its name")
}

// sendByHand sends a body with boto3, as the documents say, and returns the
// message's ID.
func sendByHand(t *testing.T, queueURL, body string) string {
	t.Helper()
	python := os.Getenv("GOFLOW_TEST_PYTHON")
	if python == "" {
		t.Skip("GOFLOW_TEST_PYTHON names no interpreter with boto3")
	}
	const script = `import boto3, sys
print(boto3.client("sqs").send_message(QueueUrl=sys.argv[1], MessageBody=sys.argv[2])["MessageId"])`
	cmd := exec.CommandContext(t.Context(), python, "-c", script, queueURL, body)
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1") // boto3 does not know AWS_REGION
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	r := programtest.Main(run).Run(t, programtest.Call{Args: []string{"version", "-o", "json"}})
	require.Equal(t, program.OK, r.Code)
	require.Contains(t, r.Stdout, `"go":"go1`)
	r = programtest.Main(run).Run(t, programtest.Call{})
	require.Equal(t, program.OK, r.Code)
	require.Contains(t, r.Stdout, "Usage:")
}

func TestProvisionPrintsTheSettings(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	_, env := programtest.Provision(t, localstack.Name(t)) // again, by the names in the URLs
	r := programtest.Main(run).Run(t, programtest.Call{Args: []string{"provision"}, Env: env})
	require.Equal(t, program.OK, r.Code, r.Stderr)
	require.Equal(t, fmt.Sprintf("export GOFLOW_QUEUE_URL=%s\nexport GOFLOW_DLQ_URL=%s\nexport GOFLOW_TABLE=%s\n",
		env["GOFLOW_QUEUE_URL"], env["GOFLOW_DLQ_URL"], env["GOFLOW_TABLE"]), r.Stdout)
}
