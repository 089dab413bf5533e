package sqs

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Description is how a queue is set up.
type Description struct {
	ARN  string
	FIFO bool
	// Retention is how long it keeps a message.
	Retention time.Duration
	// DeadARN is that of the queue that SQS moves a message to after MaxReceives;
	// empty: it never does.
	DeadARN     string
	MaxReceives int
}

// ProvisionedReceives is how often a message should be received before SQS moves
// it to the dead letters: SQS's maximum, as it is not SQS that decides when a
// task is dead.
const ProvisionedReceives = maxReceiveCount

// Describe asks how the queue is set up. ErrRefused: there is no such queue, or
// the credentials are wrong or may not read it. ErrUnavailable: it can't be
// reached.
func (b *Broker) Describe(ctx context.Context) (Description, error) {
	attrs, err := b.read(ctx, types.QueueAttributeNameAll)
	if err != nil {
		return Description{}, err
	}
	d := Description{
		ARN:       attrs[string(types.QueueAttributeNameQueueArn)],
		FIFO:      attrs[string(types.QueueAttributeNameFifoQueue)] == strconv.FormatBool(true),
		Retention: time.Duration(attrs.number(types.QueueAttributeNameMessageRetentionPeriod)) * time.Second,
	}
	text := attrs[string(types.QueueAttributeNameRedrivePolicy)]
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(text), &policy) == nil {
		d.DeadARN, d.MaxReceives = policy.Target, maxReceives(text)
	}
	return d, nil
}
