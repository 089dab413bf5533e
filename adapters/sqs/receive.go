package sqs

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// graceOfPoll is how much longer than its wait a poll may take.
const graceOfPoll = 10 * time.Second

// Receive leases up to ten messages by one long poll, without the SDK's
// retries. A poll is never cancelled, as that would strand the messages it is
// about to bring: when ctx ends, Receive waits for the poll in progress, at most
// PollWait and ten seconds more, and returns what that brought. With a ctx that
// ended before the call it returns 0 and ctx.Err() at once.
func (b *Broker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(into) == 0 {
		return 0, nil
	}
	poll, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.pollWait+graceOfPoll)
	defer cancel()
	w := &wire{}
	start := time.Now()
	out, err := b.api.ReceiveMessage(poll, b.pollInput(len(into)), w.watch, once)
	if err != nil {
		return 0, b.at(opReceive).callFailed(ctx, err, w)
	}
	n := min(len(out.Messages), len(into))
	for i := range n {
		into[i] = delivery(&out.Messages[i], start.Add(b.lease))
	}
	if n == 0 {
		return 0, ctx.Err()
	}
	return n, nil
}

func (b *Broker) pollInput(room int) *awssqs.ReceiveMessageInput {
	return &awssqs.ReceiveMessageInput{
		QueueUrl:              &b.queueURL,
		MaxNumberOfMessages:   int32(min(room, port.MaxMessages)), //nolint:gosec // at most ten
		VisibilityTimeout:     seconds(b.lease),
		WaitTimeSeconds:       seconds(b.pollWait),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameSentTimestamp,
			types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
			types.MessageSystemAttributeNameMessageGroupId,
			types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
		},
	}
}

// once turns the SDK's retries off.
func once(o *awssqs.Options) { o.RetryMaxAttempts = 1 }

func delivery(m *types.Message, leaseEnd time.Time) port.Delivery {
	_, moved := m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)]
	return port.Delivery{
		Message: port.Message{
			ID:         aws.ToString(m.MessageId),
			Body:       []byte(aws.ToString(m.Body)),
			Attributes: texts(m.MessageAttributes),
			Group:      m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
		},
		Receives:        int(number(m, types.MessageSystemAttributeNameApproximateReceiveCount)),
		Moved:           moved,
		SentAt:          instant(m, types.MessageSystemAttributeNameSentTimestamp),
		FirstReceivedAt: instant(m, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp),
		LeaseEnd:        leaseEnd,
		Handle:          aws.ToString(m.ReceiptHandle),
	}
}

// texts returns the attributes that hold text, whatever else there is.
func texts(attrs map[string]types.MessageAttributeValue) map[string]string {
	var out map[string]string
	for name, value := range attrs {
		if value.StringValue == nil {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(attrs))
		}
		out[name] = *value.StringValue
	}
	return out
}

// number returns a system attribute, or 0 where it is missing.
func number(m *types.Message, name types.MessageSystemAttributeName) int64 {
	n, err := strconv.ParseInt(m.Attributes[string(name)], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// lastInstant is the end of the year 9999, the last that JSON and RFC 3339 can say.
const lastInstant = 253_402_300_799_999

// instant returns a system attribute that is a time in epoch milliseconds.
func instant(m *types.Message, name types.MessageSystemAttributeName) time.Time {
	if ms := number(m, name); ms > 0 && ms <= lastInstant {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
