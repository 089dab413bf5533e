package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// What Provision gives a queue, in SQS's units.
const (
	queueRetention  = "604800"  // 7 days
	deadRetention   = "1209600" // 14 days, SQS's maximum
	maxReceiveCount = 1000      // SQS's maximum: the core decides when a task is dead
	queueWait       = "20"      // s
)

// ProvisionInput names the queues to make. Names that end in .fifo are those of
// FIFO queues; both have to be of the same kind.
type ProvisionInput struct {
	Queue     string // for tasks
	DeadQueue string // for dead letters
}

// Provision makes both queues, or brings those that exist into this form: the
// queue keeps messages for 7 days and moves one to the dead-letter queue after
// 1,000 receives, the dead-letter queue keeps them for 14 days; both poll for 20
// s and are encrypted by SQS. FIFO queues are bound in throughput by group, not as
// a whole. It is meant for development, and may be called again. ErrRefused,
// ErrUnavailable or ErrInvalid.
func Provision(ctx context.Context, client *awssqs.Client, in ProvisionInput) (queueURL, deadURL string, err error) {
	if in.Queue == in.DeadQueue {
		return "", "", site{opProvision, in.Queue}.fail(port.ErrInvalid, nil, "the dead-letter queue needs another name than the queue")
	}
	if isFIFO(in.Queue) != isFIFO(in.DeadQueue) {
		return "", "", site{opProvision, in.Queue}.fail(port.ErrInvalid, nil,
			fmt.Sprintf("dead-letter queue %s: both names end in %s, or neither", in.DeadQueue, fifoSuffix))
	}
	deadURL, err = provision(ctx, client, in.DeadQueue, map[string]string{
		string(types.QueueAttributeNameMessageRetentionPeriod): deadRetention,
	})
	if err != nil {
		return "", "", err
	}
	arn, err := arnOf(ctx, client, in.DeadQueue, deadURL)
	if err != nil {
		return "", "", err
	}
	queueURL, err = provision(ctx, client, in.Queue, map[string]string{
		string(types.QueueAttributeNameMessageRetentionPeriod): queueRetention,
		string(types.QueueAttributeNameRedrivePolicy):          redrivePolicy(arn, maxReceiveCount),
	})
	if err != nil {
		return "", "", err
	}
	return queueURL, deadURL, nil
}

// provision makes a queue and sets its attributes in a second call, since SQS
// refuses to create a queue that exists with other ones.
func provision(ctx context.Context, client *awssqs.Client, name string, attrs map[string]string) (string, error) {
	attrs[string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds)] = queueWait
	attrs[string(types.QueueAttributeNameSqsManagedSseEnabled)] = strconv.FormatBool(true)
	in := &awssqs.CreateQueueInput{QueueName: &name}
	if isFIFO(name) {
		in.Attributes = map[string]string{string(types.QueueAttributeNameFifoQueue): strconv.FormatBool(true)}
		attrs[string(types.QueueAttributeNameDeduplicationScope)] = "messageGroup"
		attrs[string(types.QueueAttributeNameFifoThroughputLimit)] = "perMessageGroupId"
	}
	w := &wire{}
	made, err := client.CreateQueue(ctx, in, w.watch)
	if err != nil {
		return "", site{opProvision, name}.callFailed(ctx, err, w)
	}
	_, err = client.SetQueueAttributes(ctx, &awssqs.SetQueueAttributesInput{QueueUrl: made.QueueUrl, Attributes: attrs}, w.watch)
	if err != nil {
		return "", site{opProvision, name}.callFailed(ctx, err, w)
	}
	return aws.ToString(made.QueueUrl), nil
}

func arnOf(ctx context.Context, client *awssqs.Client, name, queueURL string) (string, error) {
	w := &wire{}
	out, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	}, w.watch)
	if err != nil {
		return "", site{opProvision, name}.callFailed(ctx, err, w)
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}

func redrivePolicy(deadARN string, maxReceives int) string {
	policy, _ := json.Marshal(map[string]string{ // strings always encode
		"deadLetterTargetArn": deadARN, "maxReceiveCount": strconv.Itoa(maxReceives),
	})
	return string(policy)
}

// Resolve returns the URL of a queue, given its name or its URL, which is
// returned as it is. ErrRefused: there is no such queue, or the credentials are
// wrong or may not look. ErrUnavailable: SQS can't be reached.
func Resolve(ctx context.Context, client *awssqs.Client, nameOrURL string) (string, error) {
	if strings.Contains(nameOrURL, "://") {
		return nameOrURL, nil
	}
	w := &wire{}
	out, err := client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: &nameOrURL}, w.watch)
	if err != nil {
		return "", site{opResolve, nameOrURL}.callFailed(ctx, err, w)
	}
	return aws.ToString(out.QueueUrl), nil
}
