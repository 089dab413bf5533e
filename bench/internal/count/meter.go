package count

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jamesTait-jt/goflow/adapters/cost"

	"github.com/jamesTait-jt/goflow/bench/internal/contend"
)

// settleTime is how long a queue may take to be empty after the last result.
const settleTime = 30 * time.Second

// Reading is what has been used so far.
type Reading struct {
	Calls   float64 // of any service, Redis commands or SQL statements; below 0: nobody counts them
	Dollars float64 // below 0: it has no such price
	Detail  string  // the calls by operation
}

// None is the reading of what asks nobody.
var None = Reading{-1, -1, ""} //nolint:gochecknoglobals // a constant

// Meter reads what was asked of a service, whoever asked.
type Meter interface {
	Read(ctx context.Context) (Reading, error)
	// Settle returns when nothing of that name is left to do, or with an error.
	Settle(ctx context.Context, name string) error
	// Clear deletes what has that name.
	Clear(ctx context.Context, name string)
}

// AWS is the meter of both emulators.
type AWS struct {
	sqs, dynamodb *Proxy
	queues        *awssqs.Client // not by the proxy
	tables        *awsdynamodb.Client
	usage         cost.Usage
}

// NewAWS puts proxies before both emulators.
func NewAWS(ctx context.Context, sqs, dynamodb string) (*AWS, error) {
	cfg, err := contend.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	m := &AWS{queues: awssqs.NewFromConfig(cfg), tables: awsdynamodb.NewFromConfig(cfg)}
	var errSQS, errDynamoDB error
	m.sqs, errSQS = New(sqs)
	m.dynamodb, errDynamoDB = New(dynamodb)
	return m, errors.Join(errSQS, errDynamoDB)
}

// Environment is what leads a contender to the proxies.
func (m *AWS) Environment() []string {
	return []string{"AWS_ENDPOINT_URL_SQS=" + m.sqs.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + m.dynamodb.URL}
}

// Read has dollars by the prices of us-east-1.
func (m *AWS) Read(context.Context) (Reading, error) {
	sqs, dynamodb := m.sqs.Usage(), m.dynamodb.Usage()
	last := m.usage
	m.usage = merge(sqs, dynamodb)
	return Reading{
		Calls: float64(m.usage.Requests()), Dollars: m.usage.Dollars(), Detail: detail(m.usage.Sub(last)),
	}, nil
}

func merge(sqs, dynamodb cost.Usage) cost.Usage {
	maps.Copy(sqs.Calls, dynamodb.Calls)
	sqs.WriteUnits, sqs.ReadUnits = dynamodb.WriteUnits, dynamodb.ReadUnits
	return sqs
}

func detail(u cost.Usage) string {
	words := make([]string, 0, len(u.Calls))
	for op, n := range u.Calls {
		words = append(words, fmt.Sprintf("%s %d", op.Name, n))
	}
	slices.Sort(words)
	return fmt.Sprintf("%s; %d requests to SQS, %.1f write and %.1f read units",
		strings.Join(words, ", "), u.StandardRequests, u.WriteUnits, u.ReadUnits)
}

// Settle waits until the queue has no messages, in flight or not.
func (m *AWS) Settle(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	queue, err := m.queues.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return err
	}
	visible, held := types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	for {
		got, err := m.queues.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
			QueueUrl: queue.QueueUrl, AttributeNames: []types.QueueAttributeName{visible, held},
		})
		if err != nil {
			return fmt.Errorf("queue %s does not get empty: %w", name, err)
		}
		if got.Attributes[string(visible)] == "0" && got.Attributes[string(held)] == "0" {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Clear makes room for the next.
func (m *AWS) Clear(ctx context.Context, name string) {
	if queue, err := m.queues.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: &name}); err == nil {
		_, _ = m.queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: queue.QueueUrl}) // it is in the way of nobody
	}
	_, _ = m.tables.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: aws.String(name)}) // neither is it
}
