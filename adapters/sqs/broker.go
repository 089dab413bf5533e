package sqs

import (
	"context"
	"path"
	"sync/atomic"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// What SQS allows, whatever the queue's attributes are.
const (
	maxBytes       = 1 << 20 // of a message, and of a whole batch
	maxDelay       = 900 * time.Second
	minLease       = 2 * time.Second // twice the shortest poll
	maxLease       = 12 * time.Hour
	maxPollWait    = 20 * time.Second
	maxAttributes  = 10
	maxNameLength  = 256 // of an attribute
	maxGroupLength = 128
)

// Defaults of the options.
const (
	defaultLease    = 60 * time.Second
	defaultPollWait = 20 * time.Second
)

// API is what a Broker calls: an [awssqs.Client], or what somebody has put around
// one. It has to honour the options of a call, and may get more methods: embed a
// client.
type API interface {
	SendMessageBatch(context.Context, *awssqs.SendMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error)
	ReceiveMessage(context.Context, *awssqs.ReceiveMessageInput, ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *awssqs.ChangeMessageVisibilityBatchInput, ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(context.Context, *awssqs.DeleteMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error)
	GetQueueAttributes(context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
}

// Broker moves messages through one queue. Its methods may be called
// concurrently. It holds no resources, so there is nothing to close.
type Broker struct {
	api      API
	queueURL string
	lease    time.Duration // whole seconds
	pollWait time.Duration // whole seconds
	limits   atomic.Pointer[port.Limits]
}

var (
	_ port.Broker  = (*Broker)(nil)
	_ port.Limiter = (*Broker)(nil)
	_ port.Orderer = (*Broker)(nil)
	_ port.Sizer   = (*Broker)(nil)
	_ port.Checker = (*Broker)(nil)
)

// Option sets what New leaves at its default.
type Option func(*Broker)

// Lease sets how long a received message belongs to its receiver: the
// visibility timeout of each receive. Default 60 s; rounded up to whole seconds
// and kept within 2 s and 12 h.
func Lease(d time.Duration) Option {
	return func(b *Broker) { b.lease = max(wholeSeconds(d, maxLease), minLease) }
}

// PollWait sets how long Receive waits for a message. Default 20 s; rounded up
// to whole seconds and kept within 1 s and 20 s, since SQS takes no wait at all
// to mean the queue's own; and within two thirds of the lease, which counts from the
// beginning of the poll, as nobody but SQS knows when in it a message was leased.
func PollWait(d time.Duration) Option {
	return func(b *Broker) { b.pollWait = wholeSeconds(d, maxPollWait) }
}

// New returns a Broker over the queue with this URL; [Resolve] finds the URL of
// a name. It makes no call: [Broker.Check] says whether the queue is there.
func New(client API, queueURL string, opts ...Option) *Broker {
	b := &Broker{api: client, queueURL: queueURL, lease: defaultLease, pollWait: defaultPollWait}
	for _, opt := range opts {
		opt(b)
	}
	b.pollWait = min(b.pollWait, max(b.lease*2/3, time.Second).Truncate(time.Second))
	return b
}

// name is the queue's, for errors.
func (b *Broker) name() string { return path.Base(b.queueURL) }

// wholeSeconds rounds d up and keeps it within 1 s and limit.
func wholeSeconds(d, limit time.Duration) time.Duration {
	return min(max(time.Duration(seconds(d))*time.Second, time.Second), limit)
}

// seconds rounds d up.
func seconds(d time.Duration) int32 {
	whole := d / time.Second
	if d%time.Second > 0 {
		whole++
	}
	return int32(min(whole, 1<<30)) //nolint:gosec // held below 1<<30 right here
}
