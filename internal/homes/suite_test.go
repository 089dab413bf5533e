package homes_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/homes"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

const lease = 2 * time.Second

func options(dead port.Broker) []goflow.WorkerOption {
	return []goflow.WorkerOption{
		goflow.DeadLetters(dead), goflow.Backoff(time.Second, time.Second), goflow.UnknownTypeGrace(0),
	}
}

func newMux() *goflow.Mux {
	mux := goflow.NewMux()
	homes.Register(mux)
	return mux
}

// inMemory runs all scenarios, each in a bubble, in the home that start begins.
func inMemory(t *testing.T, start func(ctx context.Context, t *testing.T, h *homes.Home) (ended <-chan error)) {
	t.Helper()
	for _, s := range homes.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				queue := memory.NewBroker(memory.Lease(lease), memory.PollWait(time.Second))
				h := homes.Home{Queue: queue, Dead: memory.NewBroker(memory.Lease(lease), memory.PollWait(time.Second)), Store: memory.NewStore()}
				var err error
				h.Client, err = goflow.NewClient(h.Queue, h.Store)
				require.NoError(t, err)
				ctx, stop := context.WithCancel(t.Context())
				ended := start(ctx, t, &h)
				s.Run(t, h)
				stop()
				require.NoError(t, <-ended)
				require.NoError(t, h.Client.Close())
			})
		})
	}
}

func TestPoolInMemory(t *testing.T) {
	t.Parallel()
	inMemory(t, startPool)
}

func startPool(ctx context.Context, t *testing.T, h *homes.Home) <-chan error {
	t.Helper()
	worker, err := goflow.NewWorker(h.Queue, h.Store, newMux(), options(h.Dead)...)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	return ended
}

// A program without a broker of its own sees the same pool.
func TestPoolInMemoryFromAfar(t *testing.T) {
	t.Parallel()
	inMemory(t, func(ctx context.Context, t *testing.T, h *homes.Home) <-chan error {
		t.Helper()
		here := h.Client
		var err error
		h.Client, err = goflow.NewRemoteClient(here.Remote())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, here.Close()) })
		return startPool(ctx, t, h)
	})
}

// A function's batches, without Lambda around them.
func TestBatchesInMemory(t *testing.T) {
	t.Parallel()
	inMemory(t, func(ctx context.Context, t *testing.T, h *homes.Home) <-chan error {
		t.Helper()
		worker, err := goflow.NewBatchWorker(h.Queue, h.Store, newMux(), options(h.Dead)...)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- serve(ctx, worker, h.Queue) }()
		return ended
	})
}

// serve hands batches to a worker as a mapping does, until ctx ends.
func serve(ctx context.Context, worker *goflow.BatchWorker, queue port.Broker) error {
	for ctx.Err() == nil {
		into := make([]port.Delivery, port.MaxMessages)
		n, err := queue.Receive(ctx, into)
		if n == 0 && (err == nil || ctx.Err() != nil) {
			continue
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease)
		outcomes, workErr := worker.Work(limited, goflow.Batch{Deliveries: into[:n]})
		cancel()
		if err != nil || workErr != nil {
			return workErr
		}
		for i, o := range outcomes {
			if o.Action == goflow.Ack {
				if err := queue.Ack(context.WithoutCancel(ctx), into[i:i+1]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func TestPoolOnLocalStack(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	onServers(t, awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg))
}

func TestPoolOnElasticMQAndDynamoDBLocal(t *testing.T) {
	t.Parallel()
	onServers(t, awssqs.NewFromConfig(localstack.ElasticMQ(t)), awsdynamodb.NewFromConfig(localstack.DynamoDBLocal(t)))
}

// onServers runs all scenarios beside each other in one pool.
func onServers(t *testing.T, queues *awssqs.Client, tables *awsdynamodb.Client) {
	t.Helper()
	name := localstack.Name(t)
	url := func(name string) string {
		made, err := queues.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name})
		require.NoError(t, err)
		return *made.QueueUrl
	}
	require.NoError(t, dynamo.Provision(t.Context(), tables, name))
	h := homes.Home{
		Queue: sqs.New(queues, url(name), sqs.Lease(lease), sqs.PollWait(time.Second)),
		Dead:  sqs.New(queues, url(name+"-dead"), sqs.Lease(lease), sqs.PollWait(time.Second)),
		Store: dynamo.New(tables, name),
	}
	var err error
	h.Client, err = goflow.NewClient(h.Queue, h.Store)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := startPool(ctx, t, &h)
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	for _, s := range homes.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			s.Run(t, h)
		})
	}
}
