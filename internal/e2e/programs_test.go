package e2e_test

import (
	"context"
	"sync"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// place is a queue, its dead letters and a table, made for one test.
type place struct {
	queue, dead, table string
	sqs                *awssqs.Client
	dynamo             *awsdynamodb.Client
}

func newPlace(t *testing.T) place {
	t.Helper()
	return newPlaceNamed(t, "")
}

// newPlaceNamed makes queues whose names end so.
func newPlaceNamed(t *testing.T, suffix string) place {
	t.Helper()
	cfg := localstack.Config(t)
	p := place{table: localstack.Name(t), sqs: awssqs.NewFromConfig(cfg), dynamo: awsdynamodb.NewFromConfig(cfg)}
	name := localstack.Name(t)
	var err error
	p.queue, p.dead, err = sqs.Provision(t.Context(), p.sqs, sqs.ProvisionInput{Queue: name + suffix, DeadQueue: name + "-dead" + suffix})
	require.NoError(t, err)
	require.NoError(t, dynamo.Provision(t.Context(), p.dynamo, p.table))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, url := range []string{p.queue, p.dead} {
			_, err := p.sqs.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &url})
			require.NoError(t, err)
		}
		_, err := p.dynamo.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &p.table})
		require.NoError(t, err)
	})
	return p
}

// program returns a GoFlow with ports of its own, as another program has.
func (p place) program(t *testing.T) *goflow.GoFlow {
	t.Helper()
	gf := goflow.New(p.broker(p.queue), p.store())
	require.NoError(t, gf.Start())
	return gf
}

func (p place) broker(url string) *sqs.Broker {
	return sqs.New(p.sqs, url, sqs.Lease(2*time.Second), sqs.PollWait(time.Second))
}

func (p place) store() *dynamo.Store { return dynamo.New(p.dynamo, p.table) }

// TestEveryProgramSeesAllResults is upstream's B7: two clients of one queue
// stole each other's results.
func TestEveryProgramSeesAllResults(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	mux := goflow.NewMux()
	mux.Handle("repeater", func(payload any) task.Result { return task.Result{Payload: payload} })
	worker, err := goflow.NewWorker(p.broker(p.queue), p.store(), mux, goflow.DeadLetters(p.broker(p.dead)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(ctx) }()

	one, two := p.program(t), p.program(t)
	payload := map[string]any{"list": []any{1.5, "two", nil, true}, "text": "héllo"}
	ids := make([]string, 20)
	var pushing sync.WaitGroup
	for i := range ids {
		pushing.Go(func() {
			from := one
			if i%2 == 1 {
				from = two
			}
			id, err := from.Push("repeater", payload)
			if err == nil {
				ids[i] = id
			}
		})
	}
	pushing.Wait()
	for _, gf := range []*goflow.GoFlow{one, two} {
		for _, id := range ids {
			require.Eventually(t, func() bool {
				_, ok, err := gf.GetResult(id)
				return err == nil && ok
			}, 30*time.Second, 50*time.Millisecond)
			r, _, err := gf.GetResult(id)
			require.NoError(t, err)
			require.Equal(t, task.Result{TaskID: id, Payload: payload}, r)
		}
		require.NoError(t, gf.Close())
	}
	stop()
	require.NoError(t, <-worked)
}

// TestOnceRunsOnceBesideACopy drives claims and their renewal on the real
// table: a copy of a running task is not run, however long the task takes.
func TestOnceRunsOnceBesideACopy(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	job := goflow.NewJob[string, int]("once", goflow.Once())
	var mu sync.Mutex
	runs := 0
	mux := goflow.NewMux()
	job.Handle(mux, func(ctx context.Context, _ string) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		runs++
		select { // longer than a lease
		case <-time.After(6 * time.Second):
		case <-ctx.Done():
		}
		return runs, ctx.Err()
	})
	// A machine that stands still for a second or two does not lose such a lease.
	queue := sqs.New(p.sqs, p.queue, sqs.Lease(5*time.Second), sqs.PollWait(time.Second))
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan error, 2)
	for range 2 {
		worker, err := goflow.NewWorker(queue, p.store(), mux, goflow.DeadLetters(p.broker(p.dead)))
		require.NoError(t, err)
		go func() { worked <- worker.Run(ctx) }()
	}
	client, err := goflow.NewClient(queue, p.store())
	require.NoError(t, err)
	id, err := job.Push(t.Context(), client, "x")
	require.NoError(t, err)
	body := `{"v":1,"id":"` + id + `","type":"once","payload":"x"}`
	_, err = p.sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &p.queue, MessageBody: &body})
	require.NoError(t, err)
	got, err := job.Wait(t.Context(), client, id)
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.Eventually(t, func() bool {
		size, err := queue.Size(t.Context())
		return err == nil && size.Waiting+size.Leased+size.Delayed == 0
	}, 30*time.Second, 100*time.Millisecond, "the copy is found finished and deleted")
	stop()
	require.NoError(t, <-worked)
	require.NoError(t, <-worked)
	require.Equal(t, 1, runs)
}
