package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

const lastLine = `\ndemo: pushed=200 succeeded=154 failed=46 lost=0\n$`

func TestDemoInMemory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-memory"}, &out)
	require.NoError(t, err, out.String())
	require.Regexp(t, lastLine, out.String())
	require.NotContains(t, out.String(), "DIFFERENT")
}

// A worker that is killed with SIGKILL in the middle costs nothing.
func TestDemoSurvivesAKilledWorker(t *testing.T) {
	t.Parallel()
	text := runDemo(t, localstack.Config(t), "-kill-worker")
	require.Contains(t, text, "worker killed")
	require.Regexp(t, lastLine, text)
}

// Nor does a server, to a client that knows nothing of AWS.
func TestDemoSurvivesAKilledServer(t *testing.T) {
	t.Parallel()
	text := runDemo(t, localstack.Config(t), "-grpc")
	require.Contains(t, text, "server-1 killed")
	require.NotContains(t, text, "server-2 killed")
	require.Regexp(t, lastLine, text)
}

// runDemo runs the demo as a program: its producer is that program, started
// again.
func runDemo(t *testing.T, cfg aws.Config, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "demo")
	text, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(text))
	demo := exec.CommandContext(t.Context(), binary, args...)
	demo.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_REGION="+cfg.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	text, err = demo.CombinedOutput()
	require.NoError(t, err, string(text))
	t.Logf("%s", text)
	return string(text)
}

// A pool stands in for the function: where the tasks go and what the demo makes
// of what it finds there is the same.
func TestDemoOnAStack(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	name := localstack.Stack(t, localstack.Places)
	places, err := stack.Read(t.Context(), cfg, name)
	require.NoError(t, err)
	dead := sqs.New(awssqs.NewFromConfig(cfg), places.DeadQueueURL, sqs.Lease(lease), sqs.PollWait(pollWait))
	foreign := []port.Message{
		{ID: "1", Body: []byte("moved by SQS")},
		{ID: "2", Body: []byte("{}"), Attributes: map[string]string{"goflow-dead": `{"id":"01890a5d-ac96-774b-bcce-b302099a8057"}`}},
	}
	require.NoError(t, dead.Send(t.Context(), foreign))
	standIn(t, cfg, places, dead)

	text := runDemo(t, cfg, "-stack", name)
	require.Regexp(t, lastLine, text)
	require.NotContains(t, text, "worker started")
	require.Contains(t, text, "dead letters: 46 tasks, 0 missing, 0 not expected; messages left in the queue: 0")
	size, err := dead.Size(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(foreign), size.Waiting+size.Leased, "the demo takes its own dead letters and no others")
}

// standIn is a worker like the stack's function.
func standIn(t *testing.T, cfg aws.Config, places stack.Places, dead port.Broker) {
	t.Helper()
	queue := sqs.New(awssqs.NewFromConfig(cfg), places.QueueURL, sqs.Lease(lease), sqs.PollWait(pollWait))
	mux := goflow.NewMux()
	handlers.Register(mux)
	worker, err := goflow.NewWorker(queue, dynamo.New(awsdynamodb.NewFromConfig(cfg), places.Table), mux,
		goflow.DeadLetters(dead), goflow.Backoff(backoff, goflow.DefaultBackoffCap), goflow.UnknownTypeGrace(unknownGrace))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

func TestDeadLettersOfOthers(t *testing.T) {
	t.Parallel()
	tasks := []*expectation{{id: "a", state: task.Dead}, {id: "b", state: task.Done}, {state: task.Dead}}
	letter := func(message, id string) port.Delivery {
		return port.Delivery{Message: port.Message{ID: message, Attributes: map[string]string{"goflow-dead": `{"id":"` + id + `"}`}}}
	}
	letters := []port.Delivery{letter("1", "b"), letter("2", "x")}

	s := newSearch(tasks, true)
	own, news := s.sort(letters)
	require.Equal(t, letters[:1], own, "in a shared queue the others' stay")
	require.True(t, news)
	require.Equal(t, map[string]bool{"b": true}, s.found)
	_, news = s.sort(letters)
	require.False(t, news, "a letter that comes back is no news")
	require.False(t, s.complete())
	s.sort([]port.Delivery{letter("3", "a")})
	require.True(t, s.complete(), "a task that was not pushed has no dead letter")

	s = newSearch(tasks, false)
	own, _ = s.sort(letters)
	require.Equal(t, letters, own, "in a queue of the demo's own there are no others")
	require.Equal(t, map[string]bool{"b": true, "x": true}, s.found)
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-memory: with -stack":                 {"-stack", "s", "-memory"},
		"-kill-worker: with -memory or -stack": {"-stack", "s", "-kill-worker"},
		"-kill-worker: with -memory":           {"-memory", "-kill-worker"},
		`unexpected argument "s"`:              {"s"},
	} {
		require.ErrorContains(t, run(t.Context(), args, io.Discard), want)
	}
}

func TestReportSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tasks := plan("http://127.0.0.1")
	require.Len(t, tasks, 200)
	var out bytes.Buffer
	d := &demo{out: &out, tasks: tasks}
	err := d.report(found{left: 1})
	require.ErrorIs(t, err, errNotAsExpected)
	require.Regexp(t, `\ndemo: pushed=0 succeeded=0 failed=0 lost=201\n$`, out.String())
	require.Contains(t, out.String(), "DIFFERENT")
}
