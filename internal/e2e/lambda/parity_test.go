package lambda_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// demoStack is what localstack/deploy has deployed, with the worker as it is.
const demoStack = "goflow"

// TestPoolAndFunctionLeaveTheSameRecords runs 200 tasks in both homes. Payloads
// are as the emulator's mapping writes JSON, since it writes bodies anew.
func TestPoolAndFunctionLeaveTheSameRecords(t *testing.T) {
	t.Parallel()
	samOrSkip(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(site.Close)
	function := open(t, demoStack)
	pool := startPool(t)
	tasks := samples(site.URL)
	require.Len(t, tasks, 200)
	byFunction, byPool := outcomes(t, function.client, tasks), outcomes(t, pool, tasks)
	states := map[task.State]int{}
	for i, want := range byPool {
		require.Equal(t, want, byFunction[i], "%s %s", tasks[i].Type, tasks[i].Payload)
		states[want.State]++
	}
	require.Greater(t, states[task.Done], 100)
	require.Greater(t, states[task.Dead], 30)
}

// startPool starts a worker on queues and a table of its own, with the same
// settings as the function's in samconfig.toml, and returns a client.
func startPool(t *testing.T) *goflow.Client {
	t.Helper()
	cfg, name := localstack.Config(t), localstack.Name(t)
	queues, table := awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg)
	queueURL, deadURL, err := sqs.Provision(t.Context(), queues, sqs.ProvisionInput{Queue: name, DeadQueue: name + "-dead"})
	require.NoError(t, err)
	require.NoError(t, dynamo.Provision(t.Context(), table, name))
	queue, records := sqs.New(queues, queueURL, sqs.PollWait(time.Second)), dynamo.New(table, name)
	mux := goflow.NewMux()
	handlers.Register(mux)
	worker, err := goflow.NewWorker(queue, records, mux, goflow.DeadLetters(sqs.New(queues, deadURL)),
		goflow.Backoff(200*time.Millisecond, goflow.DefaultBackoffCap), goflow.UnknownTypeGrace(2*time.Second))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	client, err := goflow.NewClient(queue, records)
	require.NoError(t, err)
	return client
}

// samples are 200 tasks of every sample type and every way to end.
func samples(site string) (tasks []task.Task) {
	values := []any{"text <&>", 17, -0.5, true, nil, []any{1, "two", nil}, map[string]any{"a": map[string]any{"b": []any{1, 2}}}}
	for i := range 20 {
		tasks = append(tasks,
			task.Task{Type: "sample.echo", Payload: values[i%len(values)]},
			task.Task{Type: "sample.echo", Payload: map[string]any{"n": i}},
			task.Task{Type: "sample.hash", Payload: map[string]any{"rounds": i + 1, "text": fmt.Sprint(i)}},
			task.Task{Type: "sample.fetch", Payload: map[string]any{"url": site + "/page"}},
			task.Task{Type: "sample.flaky", Payload: map[string]any{"fail": i % 3}},
			task.Task{Type: "sample.flaky", Payload: map[string]any{"fail": 0}},
			task.Task{Type: "sample.echo", Payload: []any{i}},
		)
	}
	for i := range 10 {
		tasks = append(tasks,
			task.Task{Type: "sample.fail", Payload: map[string]any{"message": fmt.Sprintf("failure %d", i)}},
			task.Task{Type: "sample.fetch", Payload: map[string]any{"url": site + "/missing"}},
			task.Task{Type: "sample.hash", Payload: []any{"no object"}},
			task.Task{Type: "sample.unknown", Payload: i},
			task.Task{Type: "sample.flaky", Payload: map[string]any{"fail": 9}},
			task.Task{Type: "sample.panic", Payload: map[string]any{}},
		)
	}
	return tasks
}

// outcome is what both homes have to agree on.
type outcome struct {
	State         task.State
	Result, Error string
	Attempts      int
}

// outcomes pushes the tasks and returns what became of each.
func outcomes(t *testing.T, client *goflow.Client, tasks []task.Task) []outcome {
	t.Helper()
	ids, err := client.PushMany(t.Context(), tasks)
	require.NoError(t, err)
	places := map[string]int{}
	for i, id := range ids {
		places[id] = i
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make([]outcome, len(tasks))
	for rec, err := range client.WaitAll(ctx, ids) {
		require.NoError(t, err)
		ended[places[rec.ID]] = outcome{State: rec.State, Result: string(rec.Result), Error: rec.Error, Attempts: rec.Attempts}
	}
	return ended
}
