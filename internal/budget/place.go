package main

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/adapters/connections"
	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// place is a queue, its dead letters and a table of a scenario's own.
type place struct {
	config.Settings

	queues *awssqs.Client // not metered
	tables *awsdynamodb.Client
}

// newPlace makes one. Its queues are plain ones, since ElasticMQ knows neither
// retention nor encryption.
func newPlace(ctx context.Context) (*place, error) {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	suffix := "-cost-" + strings.ToLower(rand.Text()[:8])
	p := &place{queues: awssqs.NewFromConfig(cfg), tables: awsdynamodb.NewFromConfig(cfg)}
	p.Table = goflow.DefaultTable + suffix
	for name, url := range map[string]*string{goflow.DefaultQueue: &p.QueueURL, goflow.DefaultDeadQueue: &p.DLQURL} {
		made, err := p.queues.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: new(name + suffix)})
		if err != nil {
			return nil, err
		}
		*url = *made.QueueUrl
	}
	return p, dynamo.Provision(ctx, p.tables, p.Table)
}

// remove deletes what was provisioned.
func (p *place) remove(ctx context.Context) error {
	_, queueErr := p.queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &p.QueueURL})
	_, deadErr := p.queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &p.DLQURL})
	_, tableErr := p.tables.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &p.Table})
	return errors.Join(queueErr, deadErr, tableErr)
}

// empty waits until the queue has no message, seen or leased.
func (p *place) empty(ctx context.Context) error {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		got, err := p.queues.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &p.QueueURL, AttributeNames: names})
		if err != nil {
			return err
		}
		left := 0
		for _, name := range names {
			n, err := strconv.Atoi(got.Attributes[string(name)])
			if err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parts are metered ways to a place.
type parts struct {
	cost.Meter

	queues      *awssqs.Client
	queue, dead *sqs.Broker
	table       *dynamo.Store
}

// pollWait is how long an empty receive of a scenario lasts, unless it is about
// that: what a worker begins before it is told to stop, it waits for.
const pollWait = time.Second

func (p *place) open(ctx context.Context, wait time.Duration) (*parts, error) {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	connections.Keep(&cfg, 2*slots)
	to := &parts{}
	to.Watch(&cfg)
	to.queues = awssqs.NewFromConfig(cfg)
	to.queue = sqs.New(to.queues, p.QueueURL, sqs.PollWait(wait))
	to.dead = sqs.New(to.queues, p.DLQURL, sqs.PollWait(wait))
	to.table = dynamo.New(awsdynamodb.NewFromConfig(cfg), p.Table)
	return to, nil
}
