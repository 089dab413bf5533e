package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

func TestBadDLQInput(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	programtest.UseClosedPort(t)
	env := map[string]string{
		"GOFLOW_QUEUE_URL": "http://127.0.0.1:1/q", "GOFLOW_DLQ_URL": "http://127.0.0.1:1/d", "GOFLOW_TABLE": "t",
	}
	for name, test := range map[string]struct {
		args string
		env  map[string]string
		code int
		want string
	}{
		"unknown command":      {"dlq lst", env, program.Usage, `unknown command "lst"`},
		"no dead-letter queue": {"dlq ls", nil, program.Usage, "dlq-url is missing"},
		"no queue":             {"dlq redrive --dlq-url d", nil, program.Usage, "queue-url is missing"},
		"no table":             {"dlq settle --dlq-url d", nil, program.Usage, "table is missing"},
		"one queue for both":   {"dlq redrive --dlq-url q", env, program.Usage, "--dlq-url and GOFLOW_QUEUE_URL name the same queue, q"},
		"bad ID":               {"dlq ls nope", env, program.Usage, `invalid task ID "nope": give a UUID`},
		"bad limit":            {"dlq ls --limit -1", env, program.Usage, "--limit -1: give 0 or more"},
		"bad age":              {"dlq ls --older-than -1s", env, program.Usage, "--older-than -1s: give 0s or more"},
		"show two":             {"dlq show a b", env, program.Usage, "2 arguments: the usage is goflow dlq show ID"},
		"too fast":             {"dlq redrive --max-per-second 501", env, program.Usage, "--max-per-second 501: give 1 to 500"},
		"speed of some":        {"dlq redrive --type a --max-per-second 5", env, program.Usage, "--max-per-second is for the move of all"},
		"cancel some":          {"dlq redrive --type a --cancel", env, program.Usage, "--cancel ends the move of all"},
		"drop what":            {"dlq drop --yes", env, program.Usage, "drop: give IDs or filters, or --all"},
		"drop all and some":    {"dlq drop --all --type a", env, program.Usage, "drop: give IDs or filters, or --all"},
		"ls, unreachable":      {"dlq ls", env, program.Refused, "unavailable"},
		"show, the same":       {"dlq show " + freshID(), env, program.Refused, "unavailable"},
		"redrive, the same":    {"dlq redrive", env, program.Refused, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := programtest.Main(run).Run(t, programtest.Call{Args: strings.Fields(test.args), Env: test.env})
			r.RequireOneLine(t, test.code, test.want)
		})
	}
}

func TestDLQHelpStartsWithExamples(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "ls", "show", "redrive", "settle", "drop"} {
		r := programtest.Main(run).Run(t, programtest.Call{Args: append([]string{"dlq"}, append(strings.Fields(command), "--help")...)})
		require.True(t, strings.HasPrefix(r.Stdout, strings.TrimSpace("Examples:\n  goflow dlq "+command)), r.Stdout)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	steps := []sqs.MoveStatus{
		{Moved: 0, Total: 200}, {Moved: 5, Total: 200}, {Moved: 100, Total: 200}, {Moved: 101, Total: 200}, {Moved: 200, Total: 200},
	}
	var lines, bar bytes.Buffer
	for _, p := range []*progress{newProgress(&lines), {w: &bar, terminal: true, tenth: -1}} {
		for _, s := range steps {
			s.Found = true
			p.show(s)
		}
		p.end()
	}
	const watching = "goflow: a redrive is under way already: watching it\n"
	require.Equal(t, watching+"goflow: 0 of about 200 redriven\ngoflow: 100 of about 200 redriven\ngoflow: 200 of about 200 redriven\n", lines.String())
	text := strings.Split(strings.TrimPrefix(bar.String(), watching), "\r")
	require.Len(t, text, 1+len(steps))
	require.Equal(t, "["+strings.Repeat("#", 15)+strings.Repeat("-", 15)+"] 100 of about 200 ", text[3])
	require.Equal(t, "["+strings.Repeat("#", 30)+"] 200 of about 200 \n", text[5])
}

func TestWhatOthersWroteIsOneLineOnATerminal(t *testing.T) {
	t.Parallel()
	l := letter{Type: "a\x1b[2Jb\nc", Error: "d\r\u009be  f"}
	text := table([]letter{l})
	require.Equal(t, 1, strings.Count(text, "\n"))
	require.Contains(t, text, "a [2Jb c")
	require.Contains(t, text, "d e f")
}

// dlqWorld is queues and a table on LocalStack, and the programs' view of them.
type dlqWorld struct {
	*testing.T
	settings config.Settings
	env      map[string]string
	client   *goflow.Client
}

func newDLQWorld(t *testing.T) *dlqWorld {
	t.Helper()
	programtest.UseEndpoint(t, *localstack.Config(t).BaseEndpoint)
	w := &dlqWorld{T: t}
	w.settings, w.env = programtest.Provision(t, localstack.Name(t))
	parts, err := config.Open(t.Context(), w.settings)
	require.NoError(t, err)
	w.client, err = goflow.NewClient(parts.Queue, parts.Table)
	require.NoError(t, err)
	return w
}

// work runs a worker until the test ends, whose handler fails in the first
// generation of a task.
func (w *dlqWorld) work() {
	w.Helper()
	s := w.settings
	s.Lease, s.PollWait = 5*time.Second, time.Second
	parts, err := config.Open(w.Context(), s)
	require.NoError(w, err)
	mux := goflow.NewMux()
	goflow.NewJob[string, string]("mend", goflow.MaxAttempts(1)).Handle(mux, func(ctx context.Context, in string) (string, error) {
		if info, _ := goflow.TaskFromContext(ctx); info.Generation == 1 {
			return "", errors.New("no disk")
		}
		return "mended " + in, nil
	})
	worker, err := goflow.NewWorker(parts.Queue, parts.Table, mux, goflow.DeadLetters(parts.Dead))
	require.NoError(w, err)
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	w.Cleanup(func() {
		stop()
		require.NoError(w, <-ended)
	})
}

func (w *dlqWorld) run(stdin string, args ...string) programtest.Result {
	w.Helper()
	return programtest.Main(run).Run(w.T, programtest.Call{Args: args, Env: w.env, Stdin: stdin})
}

// ok runs a command that succeeds, and returns its lines.
func (w *dlqWorld) ok(args ...string) []string {
	w.Helper()
	r := w.run("", args...)
	require.Equal(w, program.OK, r.Code, r.Stderr)
	return strings.Split(strings.TrimSuffix(r.Stdout, "\n"), "\n")
}

// list waits for n dead letters.
func (w *dlqWorld) list(n int) (letters []letter) {
	w.Helper()
	require.Eventually(w, func() bool {
		letters = nil
		for _, line := range w.ok("dlq", "ls", "-o", "json") {
			var l letter
			if json.Unmarshal([]byte(line), &l) == nil {
				letters = append(letters, l)
			}
		}
		return len(letters) == n
	}, time.Minute, 100*time.Millisecond)
	return letters
}

// mended waits for the task's second generation.
func (w *dlqWorld) mended(id, want string) {
	w.Helper()
	require.Eventually(w, func() bool {
		rec, err := w.client.Get(w.Context(), id)
		require.NoError(w, err)
		return rec.State == task.Done && rec.Generation == 2 && string(rec.Result) == fmt.Sprintf("%q", want)
	}, time.Minute, 100*time.Millisecond)
}

func TestDLQ(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	w := newDLQWorld(t)
	w.work()
	var ids []string
	for i := range 4 {
		ids = append(ids, w.ok("push", "mend", fmt.Sprintf(`"%d"`, i))...)
	}
	for _, l := range w.list(4) {
		require.Contains(t, ids, l.ID)
		require.Equal(t, []any{"mend", 1, "failed", "no disk", 1, false}, []any{l.Type, l.Generation, l.Reason, l.Error, l.Attempts, l.Unsettled})
	}
	r := w.run("", "dlq", "ls", "--reason", "failed", ids[2])
	require.Regexp(t, "^ID +TYPE .*\n"+ids[2]+" +mend +1 +failed +1 +20.+Z +no disk\n$", r.Stdout)
	require.Contains(t, r.Stderr, "goflow: 1 listed; SQS estimates 4 in ")
	shown := strings.Join(w.ok("dlq", "show", ids[1]), "\n")
	require.Contains(t, shown, "error       no disk")
	require.Contains(t, shown, `"payload":"1"`)
	require.Contains(t, shown, "record      dead in generation 1: no disk")
	w.run("", "dlq", "show", freshID()).RequireOneLine(t, program.NoRecord, "not among the dead letters")

	require.Equal(t, ids[:1], w.ok("dlq", "redrive", ids[0]))
	w.mended(ids[0], "mended 0")
	w.list(3)
	r = w.run("no\n", "dlq", "drop", ids[3])
	require.Equal(t, program.Usage, r.Code)
	require.Contains(t, r.Stderr, "nothing is dropped")
	w.list(3)
	r = w.run("yes\n", "dlq", "drop", ids[3])
	require.Equal(t, []any{program.OK, ids[3] + "\n"}, []any{r.Code, r.Stdout}, r.Stderr)

	require.Equal(t, []string{"redriven: 2"}, w.ok("dlq", "redrive"))
	w.mended(ids[1], "mended 1")
	w.mended(ids[2], "mended 2")
	require.Empty(t, w.list(0))
	require.Equal(t, []string{`{"moved":0,"state":"COMPLETED"}`}, w.ok("dlq", "redrive", "-o", "json"))
}

// TestDLQSettle lets SQS itself move messages, of which the second has no ID but
// its own.
func TestDLQSettle(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	w := newDLQWorld(t)
	client := awssqs.NewFromConfig(localstack.Config(t))
	w.ok("push", "mend", `"1"`)
	_, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: &w.settings.QueueURL, MessageBody: new(`{"v":1,"type":"mend","payload":"1"}`),
	})
	require.NoError(t, err)
	giveUp(t, client, w.settings)
	letters := w.list(2)
	waited := make(chan programtest.Result, len(letters))
	for _, l := range letters {
		require.True(t, l.Unsettled)
		require.Equal(t, "moved by SQS", l.Reason)
		go func() { waited <- w.run("", "wait", l.ID) }()
	}
	require.Len(t, w.ok("dlq", "settle"), 2)
	for range letters {
		r := <-waited
		require.Equal(t, program.Failed, r.Code)
		require.Contains(t, r.Stderr, "is dead: moved by SQS")
	}
	require.Equal(t, []string{""}, w.ok("dlq", "settle"), "again there is nothing")
	for _, l := range w.list(2) {
		require.False(t, l.Unsettled)
	}
	require.Equal(t, []string{"redriven: 2"}, w.ok("dlq", "redrive"))
	w.work()
	for _, l := range letters {
		w.mended(l.ID, "mended 1")
	}
}

// giveUp receives what is in the queue until SQS moves it.
func giveUp(t *testing.T, client *awssqs.Client, s config.Settings) {
	t.Helper()
	dead, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &s.DLQURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	require.NoError(t, err)
	_, err = client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &s.QueueURL, Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, dead.Attributes["QueueArn"]),
	}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		out, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: &s.QueueURL, MaxNumberOfMessages: 10, VisibilityTimeout: 0, WaitTimeSeconds: 0,
		})
		require.NoError(t, err)
		for i := range out.Messages {
			_, err := client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{
				QueueUrl: &s.QueueURL, ReceiptHandle: out.Messages[i].ReceiptHandle, VisibilityTimeout: 0,
			})
			require.NoError(t, err)
		}
		size, err := sqs.New(client, s.DLQURL).Size(t.Context())
		require.NoError(t, err)
		return size.Waiting == 2
	}, time.Minute, 50*time.Millisecond)
}
