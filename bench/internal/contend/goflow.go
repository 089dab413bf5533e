package contend

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
)

func job() *goflow.Job[string, string] { return goflow.NewJob[string, string]("bench") }

func handle(context.Context, string) (string, error) { return reply, nil }

type goFlow struct {
	job      *goflow.Job[string, string]
	client   *goflow.Client
	settings Settings
	places   places
}

// places are the URL of a queue and the name of a table.
type places struct{ queue, table string }

func newGoFlow(ctx context.Context, s Settings) (Queue, error) {
	cfg, err := Configuration(ctx)
	if err != nil {
		return nil, err
	}
	client := awssqs.NewFromConfig(cfg)
	made, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &s.Name})
	if err != nil {
		return nil, err
	}
	if err := dynamo.Provision(ctx, awsdynamodb.NewFromConfig(cfg), s.Name); err != nil {
		return nil, err
	}
	g := &goFlow{job: job(), settings: s, places: places{aws.ToString(made.QueueUrl), s.Name}}
	broker, records, err := g.ports(ctx)
	if err != nil {
		return nil, err
	}
	g.client, err = goflow.NewClient(broker, records)
	return g, err
}

// ports are those of a process of its own: no clients are shared.
func (g *goFlow) ports(ctx context.Context) (goflow.Broker, goflow.Store, error) {
	cfg, err := Configuration(ctx)
	return sqs.New(awssqs.NewFromConfig(cfg), g.places.queue), dynamo.New(awsdynamodb.NewFromConfig(cfg), g.places.table), err
}

func (g *goFlow) Work(ctx context.Context) error {
	for range g.settings.Workers {
		broker, records, err := g.ports(ctx)
		if err != nil {
			return err
		}
		mux := goflow.NewMux()
		g.job.Handle(mux, handle)
		worker, err := goflow.NewWorker(broker, records, mux, goflow.Concurrency(g.settings.Handlers), goflow.NoDeadLetters(),
			goflow.Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
		if err != nil {
			return err
		}
		go func() { _ = worker.Run(ctx) }() // what it cannot do, Await misses
	}
	return nil
}

func (g *goFlow) Push(ctx context.Context, payload string) (string, error) {
	return g.job.Push(ctx, g.client, payload)
}

func (g *goFlow) Await(ctx context.Context, ids []string) error {
	var errs []error
	for result, err := range g.job.WaitAll(ctx, g.client, ids) {
		if err == nil {
			err = check(result.Value)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
