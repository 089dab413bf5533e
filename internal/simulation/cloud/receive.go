package cloud

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// ReceiveMessage leases messages, and waits for some.
func (q Queues) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, optFns ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	q.p.mu.Lock()
	q.p.polled = time.Now()
	q.p.mu.Unlock()
	out := &awssqs.ReceiveMessageOutput{}
	o := awssqs.Options{RetryMaxAttempts: sdkTries}
	for _, f := range optFns {
		f(&o)
	}
	err := q.p.do(ctx, call{
		op: "receive " + *in.QueueUrl, queues: true, tries: o.RetryMaxAttempts,
		tried:  func(ctx context.Context, err error) { watched(ctx, o.APIOptions, err) },
		effect: func(_ context.Context, r *rand.Rand) error { out.Messages = q.poll(r, in); return nil },
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// poll waits until there are messages, or the wait is over.
func (q Queues) poll(r *rand.Rand, in *awssqs.ReceiveMessageInput) []types.Message {
	c := q.p.Cloud
	until := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
	for {
		c.mu.Lock()
		from := c.queues[*in.QueueUrl]
		got := c.out(from.take(r, int(in.MaxNumberOfMessages), time.Duration(in.VisibilityTimeout)*time.Second))
		changed, next := from.changed, from.next()
		c.mu.Unlock()
		if len(got) > 0 {
			return got
		}
		if next.IsZero() || next.After(until) || !next.After(time.Now()) {
			next = until
		}
		select {
		case <-changed:
		case <-time.After(time.Until(next)):
		case <-c.over:
			return nil
		}
		if !time.Now().Before(until) {
			return nil
		}
		time.Sleep(between(r, time.Microsecond, c.wakes())) // or all who wait would wake at one instant
	}
}

// wakes is how long a poll takes at the most to notice a message.
func (c *Cloud) wakes() time.Duration {
	if c.Latency != nil {
		return wakes
	}
	return 3 * time.Millisecond
}

// out are messages as SQS hands them out.
func (c *Cloud) out(taken []*message) (all []types.Message) {
	for _, m := range taken {
		handed := types.Message{
			MessageId: &m.id, ReceiptHandle: new(m.handle), Body: &m.body,
			MessageAttributes: map[string]types.MessageAttributeValue{},
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.receives),
				"SentTimestamp":                    strconv.FormatInt(m.sent.Add(c.Skew).UnixMilli(), 10),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.Add(c.Skew).UnixMilli(), 10),
			},
		}
		if m.group != "" {
			handed.Attributes["MessageGroupId"] = m.group
		}
		if m.movedFrom != "" {
			handed.Attributes["DeadLetterQueueSourceArn"] = "arn:aws:sqs:eu-central-1:000000000000:" + m.movedFrom
		}
		for name, v := range m.attributes {
			handed.MessageAttributes[name] = types.MessageAttributeValue{DataType: new("String"), StringValue: &v}
		}
		all = append(all, handed)
	}
	return all
}

// ChangeMessageVisibilityBatch sets when leases end.
func (q Queues) ChangeMessageVisibilityBatch(ctx context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, optFns ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	out := &awssqs.ChangeMessageVisibilityBatchOutput{}
	var items []string
	for _, e := range in.Entries {
		items = append(items, *e.ReceiptHandle)
		if !q.p.Cloud.Wire { // else the client says so
			q.touched(*in.QueueUrl, *e.ReceiptHandle)
		}
	}
	began := time.Now()
	err := q.do(ctx, "change", *in.QueueUrl, items, optFns, func(r *rand.Rand, of *queue) error {
		out.Successful, out.Failed = nil, nil
		for _, i := range sorted(items) {
			e := in.Entries[i]
			switch {
			case q.p.fails(r, "change"):
				out.Failed = append(out.Failed, failure(e.Id, "InternalError"))
			case of.change(r, *e.ReceiptHandle, time.Duration(e.VisibilityTimeout)*time.Second):
				out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
			default:
				out.Failed = append(out.Failed, failure(e.Id, invalidHandle))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !q.p.Cloud.Wire {
		q.learned(in, out, began)
	}
	return out, nil
}

// learned notes what a process now knows of leases.
func (q Queues) learned(in *awssqs.ChangeMessageVisibilityBatchInput, out *awssqs.ChangeMessageVisibilityBatchOutput, began time.Time) {
	c := q.p.Cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range in.Entries {
		m, _ := c.queues[*in.QueueUrl].find(*e.ReceiptHandle)
		done := slices.ContainsFunc(out.Successful, func(s types.ChangeMessageVisibilityBatchResultEntry) bool { return *s.Id == *e.Id })
		if m != nil && done {
			m.leases[*e.ReceiptHandle] = began.Add(time.Duration(e.VisibilityTimeout) * time.Second)
		}
	}
}

// touched writes down that a process is about to change a lease, and whether it
// is over: who holds one has to know that before SQS does.
func (q Queues) touched(url, handle string) {
	if q.p.Dead() {
		return
	}
	c := q.p.Cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	m, _ := c.queues[url].find(handle)
	if m == nil {
		return
	}
	over := 0
	if m.over(handle) {
		over = 1
	}
	c.Log.Add(history.Event{Actor: q.p.Name, Kind: history.Touched, Task: m.task, N: over})
}

// DeleteMessageBatch ends messages.
func (q Queues) DeleteMessageBatch(ctx context.Context, in *awssqs.DeleteMessageBatchInput, optFns ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error) {
	out := &awssqs.DeleteMessageBatchOutput{}
	var items []string
	for _, e := range in.Entries {
		items = append(items, *e.ReceiptHandle)
		q.note(history.Deleting, *in.QueueUrl, *e.ReceiptHandle)
	}
	err := q.do(ctx, "delete", *in.QueueUrl, items, optFns, func(r *rand.Rand, of *queue) error {
		out.Successful, out.Failed = nil, nil
		for _, i := range sorted(items) {
			e := in.Entries[i]
			if q.p.fails(r, "delete") {
				out.Failed = append(out.Failed, failure(e.Id, "InternalError"))
				continue
			}
			of.remove(r, *e.ReceiptHandle)
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range in.Entries {
		if slices.ContainsFunc(out.Failed, func(f types.BatchResultErrorEntry) bool { return *f.Id == *e.Id }) {
			q.note(history.Undeleted, *in.QueueUrl, *e.ReceiptHandle)
		}
	}
	return out, nil
}

// note writes down what a process does, or is told, about a message that is there.
func (q Queues) note(kind history.Kind, url, handle string) {
	if q.p.Dead() {
		return
	}
	c := q.p.Cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, _ := c.queues[url].find(handle); m != nil {
		c.Log.Add(history.Event{Actor: q.p.Name, Kind: kind, Task: m.task})
	}
}
