package pace

import (
	"context"
	"slices"
	"sync"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// op is what a call does.
type op string

const (
	send    op = "send"
	receive op = "receive"
	extend  op = "extend"
	remove  op = "delete"
	write   op = "write"
	read    op = "read"
	other   op = "other"
)

// call is one that a program has made.
type call struct {
	op           op
	items        int // that it was about, or brought
	began, ended time.Duration
}

// calls are all that a program has made.
type calls struct {
	start time.Time

	mu    sync.Mutex
	all   []call
	items map[op]int // that calls of a kind were about
}

// watch notes a call that is about so many items, once it has ended.
func (c *calls) watch(o op, items *int) (ended func()) {
	began := time.Since(c.start)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, call{op: o, items: *items, began: began, ended: time.Since(c.start)})
		c.items[o] += *items
	}
}

// made are all calls, in the order in which they ended.
func (c *calls) made() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// of are the calls of a kind.
func (c *calls) of(o op) []call {
	return slices.DeleteFunc(c.made(), func(call call) bool { return call.op != o })
}

// about is how many items the calls of a kind were about.
func (c *calls) about(o op) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.items[o]
}

// watchedQueues is SQS with its calls noted.
type watchedQueues struct {
	sqs.API

	calls *calls
}

func (q watchedQueues) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, opts ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	defer q.calls.watch(send, new(len(in.Entries)))()
	return q.API.SendMessageBatch(ctx, in, opts...)
}

func (q watchedQueues) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, opts ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	n := 0
	defer q.calls.watch(receive, &n)()
	out, err := q.API.ReceiveMessage(ctx, in, opts...)
	if err == nil {
		n = len(out.Messages)
	}
	return out, err
}

func (q watchedQueues) ChangeMessageVisibilityBatch(ctx context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, opts ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	defer q.calls.watch(extend, new(len(in.Entries)))()
	return q.API.ChangeMessageVisibilityBatch(ctx, in, opts...)
}

func (q watchedQueues) DeleteMessageBatch(ctx context.Context, in *awssqs.DeleteMessageBatchInput, opts ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error) {
	defer q.calls.watch(remove, new(len(in.Entries)))()
	return q.API.DeleteMessageBatch(ctx, in, opts...)
}

func (q watchedQueues) GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, opts ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error) {
	defer q.calls.watch(other, new(1))()
	return q.API.GetQueueAttributes(ctx, in, opts...)
}

// watchedTable is DynamoDB with its calls noted.
type watchedTable struct {
	dynamo.API

	calls *calls
}

func (t watchedTable) BatchExecuteStatement(ctx context.Context, in *awsdynamodb.BatchExecuteStatementInput, opts ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchExecuteStatementOutput, error) {
	defer t.calls.watch(write, new(len(in.Statements)))()
	return t.API.BatchExecuteStatement(ctx, in, opts...)
}

func (t watchedTable) BatchGetItem(ctx context.Context, in *awsdynamodb.BatchGetItemInput, opts ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchGetItemOutput, error) {
	n := 0
	for _, asked := range in.RequestItems {
		n += len(asked.Keys)
	}
	defer t.calls.watch(read, &n)()
	return t.API.BatchGetItem(ctx, in, opts...)
}

func (t watchedTable) DescribeTable(ctx context.Context, in *awsdynamodb.DescribeTableInput, opts ...func(*awsdynamodb.Options)) (*awsdynamodb.DescribeTableOutput, error) {
	defer t.calls.watch(other, new(1))()
	return t.API.DescribeTable(ctx, in, opts...)
}
