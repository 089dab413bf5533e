package sqs

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Limits reads the queue's maximum message size, retention and maxReceiveCount
// once, and adds what is the same for every queue. Errors as of Check.
func (b *Broker) Limits(ctx context.Context) (port.Limits, error) {
	if known := b.limits.Load(); known != nil {
		return *known, nil
	}
	attrs, err := b.read(ctx, types.QueueAttributeNameMaximumMessageSize,
		types.QueueAttributeNameMessageRetentionPeriod, types.QueueAttributeNameRedrivePolicy)
	if err != nil {
		return port.Limits{}, err
	}
	known := &port.Limits{
		MaxMessageBytes: cmp.Or(attrs.number(types.QueueAttributeNameMaximumMessageSize), maxBytes),
		MaxDelay:        maxDelay,
		MaxReceives:     maxReceives(attrs[string(types.QueueAttributeNameRedrivePolicy)]),
		Retention:       time.Duration(attrs.number(types.QueueAttributeNameMessageRetentionPeriod)) * time.Second,
		Lease:           b.lease,
		PollWait:        b.pollWait,
		Ordered:         b.Ordered(),
	}
	b.limits.Store(known)
	return *known, nil
}

// Size returns SQS's own approximate counts, which lag by up to a minute.
func (b *Broker) Size(ctx context.Context) (port.Size, error) {
	attrs, err := b.read(ctx, types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	if err != nil {
		return port.Size{}, err
	}
	return port.Size{
		Waiting: attrs.number(types.QueueAttributeNameApproximateNumberOfMessages),
		Leased:  attrs.number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed: attrs.number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
	}, nil
}

// Check asks for the queue's ARN. ErrRefused: there is no such queue, or the
// credentials are wrong or may not read it. ErrUnavailable: it can't be reached.
func (b *Broker) Check(ctx context.Context) error {
	_, err := b.read(ctx, types.QueueAttributeNameQueueArn)
	return err
}

type attributes map[string]string

func (b *Broker) read(ctx context.Context, names ...types.QueueAttributeName) (attributes, error) {
	w := &wire{}
	out, err := b.api.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &b.queueURL, AttributeNames: names,
	}, w.watch)
	if err != nil {
		return nil, b.at(opRead).callFailed(ctx, err, w)
	}
	return out.Attributes, nil
}

// number is 0 for an attribute that the queue does not have.
func (a attributes) number(name types.QueueAttributeName) int {
	n, err := strconv.Atoi(a[string(name)])
	if err != nil {
		return 0
	}
	return n
}

// maxReceives reads a redrive policy, in which SQS takes the count as a number
// and as a string. 0: there is none.
func maxReceives(policy string) int {
	var parsed struct {
		MaxReceiveCount json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &parsed) != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.Trim(string(parsed.MaxReceiveCount), `"`))
	if err != nil {
		return 0
	}
	return n
}
