package homes_test

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/features"
	"github.com/jamesTait-jt/goflow/internal/homes"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

func TestFeaturesStandInArchitecture(t *testing.T) {
	t.Parallel()
	features.Check(t, "pool in memory", homes.PoolInMemory().Rows())
	features.Check(t, "batches in memory", homes.BatchesInMemory().Rows())
	features.Check(t, "pool on servers", homes.PoolOnServers().Rows())
	features.Check(t, "function", homes.Function().Rows())
}

// start begins work in a home.
type start func(t *testing.T, h homes.Home, opts ...goflow.WorkerOption) (stop func() error)

func newMux(h homes.Home) *goflow.Mux {
	mux := goflow.NewMux()
	homes.Register(mux, h.Store)
	return mux
}

func options(h homes.Home, more []goflow.WorkerOption) []goflow.WorkerOption {
	return append([]goflow.WorkerOption{
		goflow.DeadLetters(h.Dead), goflow.Backoff(time.Second, time.Second), goflow.UnknownTypeGrace(0),
	}, more...)
}

func startPool(t *testing.T, h homes.Home, opts ...goflow.WorkerOption) func() error {
	t.Helper()
	worker, err := goflow.NewWorker(h.Queue, h.Store, newMux(h), options(h, opts)...)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	return stops(t, func() error {
		stop()
		return <-ended
	})
}

// stops makes sure that what a scenario has started also ends when it fails.
func stops(t *testing.T, stop func() error) func() error {
	t.Helper()
	stop = sync.OnceValue(stop)
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestPoolInMemory(t *testing.T) {
	t.Parallel()
	homes.Test(t, synctest.Test, homes.PoolInMemory(), inMemory(startPool, homes.Lease))
}

// A program without a broker of its own sees the same pool.
func TestPoolInMemoryFromAfar(t *testing.T) {
	t.Parallel()
	open := inMemory(startPool, homes.Lease)
	homes.Test(t, synctest.Test, homes.PoolInMemory(), func(t *testing.T, n homes.Need) homes.Home {
		t.Helper()
		h := open(t, n)
		var err error
		h.Client, err = goflow.NewRemoteClient(h.Client.Remote())
		require.NoError(t, err)
		return h
	})
}

// A function's batches, without Lambda around them.
func TestBatchesInMemory(t *testing.T) {
	t.Parallel()
	homes.Test(t, synctest.Test, homes.BatchesInMemory(), inMemory(startBatches, 6*time.Minute))
}

// inMemory opens each home anew. Leases last for lease unless the scenario needs
// another.
func inMemory(begin start, lease time.Duration) homes.Open {
	return func(t *testing.T, n homes.Need) homes.Home {
		t.Helper()
		opts := []memory.BrokerOption{memory.Lease(cmp.Or(n.Lease, lease)), memory.PollWait(time.Second)}
		if n.Ordered {
			opts = append(opts, memory.Ordered())
		}
		h := homes.Home{Queue: memory.NewBroker(opts...), Dead: memory.NewBroker(opts...), Store: memory.NewStore(), Start: begin}
		return opened(t, h, n)
	}
}

// opened gives a home its client, and starts it unless the scenario does.
func opened(t *testing.T, h homes.Home, n homes.Need) homes.Home {
	t.Helper()
	var err error
	h.Client, err = goflow.NewClient(h.Queue, h.Store)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Client.Close()) })
	if n.Lease == 0 {
		stop := h.Start(t, h)
		t.Cleanup(func() { require.NoError(t, stop()) })
	}
	return h
}

func startBatches(t *testing.T, h homes.Home, opts ...goflow.WorkerOption) func() error {
	t.Helper()
	worker, err := goflow.NewBatchWorker(h.Queue, h.Store, newMux(h), options(h, opts)...)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mapping{worker, h.Queue}.serve(ctx) }()
	return stops(t, func() error {
		stop()
		worker.Stop(time.Second)
		return <-ended
	})
}

// mapping hands batches of a queue to a worker.
type mapping struct {
	*goflow.BatchWorker
	queue port.Broker
}

// serve does so until ctx ends, several at a time, as Lambda does.
func (m mapping) serve(ctx context.Context) error {
	limiter, ok := m.queue.(port.Limiter)
	if !ok {
		return port.ErrInvalid
	}
	limits, err := limiter.Limits(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var invocations sync.WaitGroup
	for ctx.Err() == nil {
		into := make([]port.Delivery, port.MaxMessages)
		n, _ := m.queue.Receive(ctx, into) // it fails when ctx ends
		if n == 0 {
			continue
		}
		invocations.Go(func() {
			if err := m.invoke(context.WithoutCancel(ctx), goflow.Batch{Deliveries: into[:n], Ordered: limits.Ordered}, limits.Lease/6); err != nil {
				stop(err)
			}
		})
	}
	invocations.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// invoke is one invocation, and what Lambda does after it.
func (m mapping) invoke(ctx context.Context, b goflow.Batch, most time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	outcomes, err := m.Work(limited, b)
	for i, o := range outcomes {
		if err == nil && o.Action == goflow.Ack {
			err = m.queue.Ack(ctx, b.Deliveries[i:i+1])
		}
	}
	return err
}

func TestPoolOnLocalStack(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	homes.Test(t, goflowtest.RealTime, homes.PoolOnServers(), onServers(t, awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg)))
}

func TestPoolOnElasticMQAndDynamoDBLocal(t *testing.T) {
	t.Parallel()
	queues, tables := awssqs.NewFromConfig(localstack.ElasticMQ(t)), awsdynamodb.NewFromConfig(localstack.DynamoDBLocal(t))
	homes.Test(t, goflowtest.RealTime, homes.PoolOnServers(), onServers(t, queues, tables))
}

// onServers opens a home that many scenarios use for each kind of queue, and
// others for those that need one of their own. All have one table.
func onServers(t *testing.T, queues *awssqs.Client, tables *awsdynamodb.Client) homes.Open {
	t.Helper()
	table := localstack.Name(t)
	require.NoError(t, dynamo.Provision(t.Context(), tables, table))
	open := func(t *testing.T, n homes.Need) homes.Home {
		t.Helper()
		return opened(t, homes.Home{
			Queue: newQueue(t, queues, n), Dead: newQueue(t, queues, n), Store: dynamo.New(tables, table), Start: startPool,
		}, n)
	}
	shared := map[bool]homes.Home{false: open(t, homes.Need{}), true: open(t, homes.Need{Ordered: true})}
	return func(t *testing.T, n homes.Need) homes.Home {
		t.Helper()
		if n.Lease == 0 {
			return shared[n.Ordered]
		}
		return open(t, n)
	}
}

func newQueue(t *testing.T, client *awssqs.Client, n homes.Need) *sqs.Broker {
	t.Helper()
	input := awssqs.CreateQueueInput{QueueName: new(localstack.Name(t))}
	if n.Ordered {
		*input.QueueName += ".fifo"
		input.Attributes = map[string]string{"FifoQueue": "true"}
	}
	made, err := client.CreateQueue(t.Context(), &input)
	require.NoError(t, err)
	return sqs.New(client, *made.QueueUrl, sqs.Lease(cmp.Or(n.Lease, homes.LeaseOnServers)), sqs.PollWait(time.Second))
}
