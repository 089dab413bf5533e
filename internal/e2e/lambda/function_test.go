package lambda_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/e2e/calls"
	"github.com/jamesTait-jt/goflow/internal/template"
)

// patience is how long one task may take, crashes included.
const patience = 90 * time.Second

// wait returns the record of a task that has ended.
func (d deployed) wait(t *testing.T, id string) goflow.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	rec, err := d.client.Wait(ctx, id)
	require.NoError(t, err)
	return rec
}

// push pushes tasks in one call.
func (d deployed) push(t *testing.T, tasks ...task.Task) []string {
	t.Helper()
	for i := range tasks {
		raw, err := json.Marshal(tasks[i].Payload)
		require.NoError(t, err)
		tasks[i].Payload = json.RawMessage(raw)
	}
	ids, err := d.client.PushMany(t.Context(), tasks)
	require.NoError(t, err)
	return ids
}

// letters receives dead letters until want of them are there, and returns their
// reasons by task.
func (d deployed) letters(t *testing.T, want int) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	require.Eventually(t, func() bool {
		into := make([]port.Delivery, port.MaxMessages)
		n, err := d.dead.Receive(t.Context(), into)
		for _, letter := range into[:n] {
			var note struct {
				ID     string `json:"id"`
				Reason string `json:"reason"`
			}
			if json.Unmarshal([]byte(letter.Attributes["goflow-dead"]), &note) == nil {
				reasons[note.ID] = note.Reason
			}
		}
		return err == nil && len(reasons) >= want
	}, patience, 10*time.Millisecond)
	return reasons
}

// TestFunction runs everything that can become of a task on one stack, whose
// function has a second: six times that is the queue's visibility timeout.
func TestFunction(t *testing.T) { //nolint:paralleltest // a second is little where others are deployed
	d := deploy(t, "Timeout=1", "VisibilityTimeout=6", "Margin=200ms", "MaximumConcurrency=2", "Tracing=PassThrough")
	reasons := map[string]string{} // by task, that its dead letter has to have
	d.successAndRetry(t)
	d.permanentFailureAndUnknownType(t, reasons)
	d.cancel(t)
	d.longDelay(t)
	d.poison(t, reasons)
	d.handlerThatOutlastsItsFunction(t, reasons)
	d.processThatEndsInTheMiddleOfABatch(t, reasons)
	require.Equal(t, reasons, d.letters(t, len(reasons)))
	requireGranted(t, d)
}

func (d deployed) successAndRetry(t *testing.T) {
	t.Helper()
	ids := d.push(t, task.Task{Type: "sample.echo", Payload: "hello"}, task.Task{Type: "sample.flaky", Payload: map[string]int{"fail": 2}})
	rec := d.wait(t, ids[0])
	require.Equal(t, task.Done, rec.State, rec.Error)
	require.JSONEq(t, `"hello"`, string(rec.Result))
	rec = d.wait(t, ids[1])
	require.Equal(t, task.Done, rec.State, rec.Error)
	require.Equal(t, 2, rec.Attempts)
	require.JSONEq(t, `{"attempt":3}`, string(rec.Result))
}

func (d deployed) permanentFailureAndUnknownType(t *testing.T, reasons map[string]string) {
	t.Helper()
	ids := d.push(t, task.Task{Type: "sample.fail", Payload: map[string]string{"message": "no"}}, task.Task{Type: "nobody.knows"})
	require.Equal(t, "no", d.wait(t, ids[0]).Error)
	require.Contains(t, d.wait(t, ids[1]).Error, goflow.ErrUnknownType.Error())
	reasons[ids[0]], reasons[ids[1]] = "permanent", "unknown type"
}

// cancel cancels a task before its record, and one that has failed already.
func (d deployed) cancel(t *testing.T) {
	t.Helper()
	delayed, err := d.client.Push(t.Context(), "sample.echo", json.RawMessage("1"), goflow.Delay(time.Minute))
	require.NoError(t, err)
	failing := d.push(t, task.Task{Type: "sample.flaky", Payload: map[string]int{"fail": 9}})[0]
	require.Eventually(t, func() bool {
		rec, err := d.client.Get(t.Context(), failing)
		return err == nil && rec.Attempts > 0
	}, patience, 10*time.Millisecond)
	for _, id := range []string{delayed, failing} {
		require.NoError(t, d.client.Cancel(t.Context(), id))
		require.Equal(t, task.Cancelled, d.wait(t, id).State)
	}
}

// longDelay pushes what SQS could delay by itself in the way in which it can't, as
// the test has no quarter of an hour: the function is what sends it on.
func (d deployed) longDelay(t *testing.T) {
	t.Helper()
	const delay = 5 * time.Second
	sent, err := d.sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: &d.QueueURL, MessageBody: new(`{"v":1,"type":"sample.echo","payload":"later"}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"goflow-due": {DataType: new("String"), StringValue: new(`{"delay":5}`)},
		},
	})
	require.NoError(t, err)
	begin := time.Now()
	require.Equal(t, task.Done, d.wait(t, *sent.MessageId).State)
	require.Greater(t, time.Since(begin), delay-time.Second, "a task whose delay was cut short")
}

func (d deployed) poison(t *testing.T, reasons map[string]string) {
	t.Helper()
	sent, err := d.sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &d.QueueURL, MessageBody: new("no message of ours")})
	require.NoError(t, err)
	require.Contains(t, d.wait(t, *sent.MessageId).Error, "not a GoFlow message")
	reasons[*sent.MessageId] = "malformed"
}

func (d deployed) handlerThatOutlastsItsFunction(t *testing.T, reasons map[string]string) {
	t.Helper()
	ids := d.push(t, task.Task{Type: "test.rest", Payload: 60_000}, task.Task{Type: "test.rest", Payload: 10})
	require.Equal(t, task.Done, d.wait(t, ids[1]).State, "its sibling")
	rec := d.wait(t, ids[0])
	require.Equal(t, []any{task.Dead, 2, goflow.ErrTimeout.Error()}, []any{rec.State, rec.Attempts, rec.Error})
	reasons[ids[0]] = "failed"
}

func (d deployed) processThatEndsInTheMiddleOfABatch(t *testing.T, reasons map[string]string) {
	t.Helper()
	tasks := []task.Task{{Type: "test.exit", Payload: 3}}
	for i := range 9 {
		tasks = append(tasks, task.Task{Type: "test.rest", Payload: 20 * i})
	}
	ids := d.push(t, tasks...)
	for _, id := range ids[1:] {
		require.Equal(t, task.Done, d.wait(t, id).State, "a sibling")
	}
	rec := d.wait(t, ids[0])
	require.Equal(t, task.Dead, rec.State)
	require.Contains(t, rec.Error, "process died")
	runs, err := os.ReadFile(d.functionCalls + ".exits")
	require.NoError(t, err)
	require.Len(t, runs, 3, "a job of two attempts is run once more")
	reasons[ids[0]] = "crashed"
}

// requireGranted compares what the function has asked of AWS with what the
// template lets its role ask, in both directions, and what this test has asked
// with what it lets a producer ask.
func requireGranted(t *testing.T, d deployed) {
	t.Helper()
	function, operations := d.actions(t, d.functionCalls)
	producer, others := d.actions(t, d.ownCalls)
	maps.Copy(operations, others)
	require.Subset(t, function, []string{"sqs:SendMessage DeadQueue", "sqs:SendMessage Queue", "sqs:ChangeMessageVisibility Queue"})
	require.GreaterOrEqual(t, len(operations), 8, "%v", operations)

	key := template.Everything()["KmsKeyArn"]
	keyed := []string{"kms:Decrypt " + key, "kms:GenerateDataKey " + key} // SQS, where there is a key
	require.ElementsMatch(t, append(producer, keyed...), template.Granted(t, "ProducerPolicy"))
	function = append(function,
		"sqs:ReceiveMessage Queue", "sqs:DeleteMessage Queue", "sqs:GetQueueAttributes Queue", // Lambda's poller
		"logs:CreateLogStream WorkerLogs", "logs:PutLogEvents WorkerLogs", // Lambda's log
		"xray:PutTraceSegments *", "xray:PutTelemetryRecords *") // tracing
	slices.Sort(function)
	require.ElementsMatch(t, append(slices.Compact(function), keyed...), template.Granted(t, "WorkerRole"))
}

// actions are those that the calls in a file take, with the parts of the stack
// that they are about; and the operations themselves.
func (d deployed) actions(t *testing.T, file string) ([]string, map[string]bool) {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	called, operations := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		operation, place, _ := strings.Cut(strings.TrimSpace(line), " ")
		action := calls.Action(operation)
		require.NotEmpty(t, action, "calls.Action does not know %s", operation)
		called[action+" "+d.part(t, place)], operations[operation] = true, true
	}
	return slices.Sorted(maps.Keys(called)), operations
}

// part is the template's name of a queue or a table.
func (d deployed) part(t *testing.T, place string) string {
	t.Helper()
	switch {
	case strings.HasSuffix(d.QueueURL, "/"+place):
		return "Queue"
	case strings.HasSuffix(d.DeadQueueURL, "/"+place):
		return "DeadQueue"
	case place == d.Table:
		return "Table"
	case place == d.name:
		return "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/goflow/*" // as the template's tests call a stack
	}
	require.FailNow(t, "neither a queue nor the table of the stack", place)
	return ""
}
