package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/connections"
	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// naiveShare is of how many tasks it takes one: it has the same servers for about as
// long.
const naiveShare = 10

// plainly is a task queue as one would write it with the SDK alone: a call for
// each step.
type plainly struct {
	cost.Meter

	queues *awssqs.Client
	tables *awsdynamodb.Client
	at     *place
	pushed int
}

func newNaive(ctx context.Context, p *place) (*plainly, error) {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	n := &plainly{at: p}
	connections.Keep(&cfg, 2*slots) // as GoFlow does: else it would mostly open new ones
	n.Watch(&cfg)
	n.queues, n.tables = awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg)
	return n, nil
}

// through takes n tasks from push to result, by as many at a time as a worker has slots.
func (p *plainly) through(ctx context.Context, n int) (took time.Duration, err error) {
	began, first := time.Now(), p.pushed
	p.pushed += n
	steps := []struct {
		side int
		do   func(ctx context.Context, n int) error
	}{{pushers, p.push}, {slots, p.run}, {slots, p.read}}
	for _, step := range steps {
		if err := fan(n, step.side, func(i int) error { return step.do(ctx, first+i) }); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// key is the nth task's, as long as one of GoFlow's.
func key(n int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberB{Value: fmt.Appendf(nil, "%016d", n)}}
}

func (p *plainly) push(ctx context.Context, n int) error {
	item := key(n)
	item["s"] = &types.AttributeValueMemberS{Value: "pending"}
	if _, err := p.tables.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &p.at.Table, Item: item}); err != nil {
		return err
	}
	body := strconv.Itoa(n) + " " + text(small)
	_, err := p.queues.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &p.at.QueueURL, MessageBody: &body})
	return err
}

// run is a worker's part of some task, whichever comes.
func (p *plainly) run(ctx context.Context, _ int) error {
	for {
		got, err := p.queues.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &p.at.QueueURL, MaxNumberOfMessages: 1, WaitTimeSeconds: 1})
		if err != nil {
			return err
		}
		if len(got.Messages) == 0 {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(*got.Messages[0].Body, "%d", &n); err != nil {
			return err
		}
		if err := p.settle(ctx, n); err != nil {
			return err
		}
		_, err = p.queues.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &p.at.QueueURL, ReceiptHandle: got.Messages[0].ReceiptHandle})
		return err
	}
}

func (p *plainly) settle(ctx context.Context, n int) error {
	_, err := p.tables.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &p.at.Table, Key: key(n), UpdateExpression: new("SET s = :s, r = :r"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":s": &types.AttributeValueMemberS{Value: "done"}, ":r": &types.AttributeValueMemberS{Value: text(small)},
		},
	})
	return err
}

func (p *plainly) read(ctx context.Context, n int) error {
	got, err := p.tables.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &p.at.Table, Key: key(n)})
	if err == nil && got.Item["r"] == nil {
		err = fmt.Errorf("task %d has no result", n)
	}
	return err
}
