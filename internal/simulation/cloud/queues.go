package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// Queues is SQS as a process sees it.
type Queues struct{ p *Process }

var _ sqs.API = Queues{}

// Queues returns what the process calls SQS by.
func (p *Process) Queues() Queues { return Queues{p: p} }

// mostEntries is what a batch holds.
const mostEntries = 10

const sdkTries = 3 // https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

// do makes a call to a queue, whose effect has it for itself.
func (q Queues) do(ctx context.Context, op, url string, items []string, optFns []func(*awssqs.Options), effect func(*rand.Rand, *queue) error) error { //nolint:revive // what a call is
	if n := len(items); n > mostEntries {
		return q.p.wrong("%d entries in a batch", n)
	}
	o := awssqs.Options{RetryMaxAttempts: sdkTries}
	for _, f := range optFns {
		f(&o)
	}
	return q.p.do(ctx, call{
		op: op + " " + url, queues: true, items: items, tries: o.RetryMaxAttempts,
		tried: func(ctx context.Context, err error) { watched(ctx, o.APIOptions, err) },
		effect: func(_ context.Context, r *rand.Rand) error {
			q.p.Cloud.mu.Lock()
			defer q.p.Cloud.mu.Unlock()
			return effect(r, q.p.Cloud.queues[url])
		},
	})
}

// watched lets the middleware of a call see how a try of it ended, as the SDK does.
func watched(ctx context.Context, options []func(*middleware.Stack) error, err error) {
	stack := middleware.NewStack("simulation", smithyhttp.NewStackRequest)
	for _, f := range options {
		_ = f(stack) // the adapter's own adds one step
	}
	_, _, _ = stack.Deserialize.HandleMiddleware(ctx, nil, middleware.HandlerFunc(
		func(context.Context, any) (any, middleware.Metadata, error) {
			answer := &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK}}
			switch err {
			case nil:
			case errBusy: //nolint:errorlint // it is never wrapped
				answer.StatusCode = http.StatusBadRequest
			case errFault:
				answer.StatusCode = http.StatusInternalServerError
			default:
				return nil, middleware.Metadata{}, err
			}
			return answer, middleware.Metadata{}, nil
		}))
}

// SendMessageBatch adds messages.
func (q Queues) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, optFns ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	out := &awssqs.SendMessageBatchOutput{}
	var items []string
	for _, e := range in.Entries {
		item := []string{*e.MessageBody} // with what tells copies of it apart
		for _, name := range slices.Sorted(maps.Keys(e.MessageAttributes)) {
			item = append(item, *e.MessageAttributes[name].StringValue)
		}
		items = append(items, strings.Join(item, ""))
	}
	err := q.do(ctx, "send", *in.QueueUrl, items, optFns, func(r *rand.Rand, to *queue) error {
		out.Successful, out.Failed = nil, nil
		messages := make([]*message, len(in.Entries)) // nil: not sent
		for _, i := range sorted(items) {
			e := &in.Entries[i]
			messages[i] = arrived(r, e)
			messages[i].sent = time.Now().Truncate(time.Millisecond)
			if !q.p.fails(r, "send") {
				out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
				continue
			}
			out.Failed = append(out.Failed, failure(e.Id, "InternalError"))
			if chance(r, .5) { // else it was sent all the same
				messages[i] = nil
			}
		}
		for i, m := range messages {
			if m != nil {
				to.put(m, value(in.Entries[i].MessageDeduplicationId))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// fails draws whether an item of a batch fails alone.
func (p *Process) fails(r *rand.Rand, op string) bool {
	hit := p.Cloud.Weather.Strikes(r, ItemFailed)
	if hit {
		p.suffers(ItemFailed, op)
	}
	return hit
}

func failure(id *string, code string) types.BatchResultErrorEntry {
	return types.BatchResultErrorEntry{Id: id, Code: &code, Message: new("simulated"), SenderFault: code == invalidHandle}
}

// invalidHandle is how SQS says that a lease is over.
const invalidHandle = "InvalidParameterValue"

// arrived makes a message of an entry.
func arrived(r *rand.Rand, e *types.SendMessageBatchRequestEntry) *message {
	m := &message{id: uuid(r), body: *e.MessageBody, group: value(e.MessageGroupId), attributes: map[string]string{}, leases: map[string]time.Time{}}
	for name, v := range e.MessageAttributes {
		m.attributes[name] = *v.StringValue
	}
	m.visible = time.Now().Add(time.Duration(e.DelaySeconds) * time.Second)
	m.task = taskOf(m)
	return m
}

// taskOf is the ID of the task that a message carries; the message's own where
// nothing in it names one.
func taskOf(m *message) string {
	for _, text := range []string{m.body, m.attributes["goflow-due"], m.attributes["goflow-dead"]} {
		var names struct {
			ID string `json:"id"`
		}
		if json.Unmarshal([]byte(text), &names) == nil && names.ID != "" {
			return names.ID
		}
	}
	return m.id
}

// generation is that which a message carries.
func generation(m *message) int {
	var dead struct {
		Generation int `json:"generation"`
	}
	_ = json.Unmarshal([]byte(m.attributes["goflow-dead"]), &dead) // what is not there stays 0
	return dead.Generation + 1
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// uuid draws the ID of a message.
func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), uint16(a>>48)&0xfff, uint16(b)&0xfff, b>>16) //nolint:gosec // any bits will do
}

// GetQueueAttributes says what the queue is like.
func (q Queues) GetQueueAttributes(ctx context.Context, in *awssqs.GetQueueAttributesInput, optFns ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error) {
	out := &awssqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "604800", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:simulated",
	}}
	err := q.do(ctx, "attributes", *in.QueueUrl, nil, optFns, func(_ *rand.Rand, of *queue) error {
		if of.maxReceives > 0 {
			out.Attributes["RedrivePolicy"] = `{"maxReceiveCount":` + strconv.Itoa(of.maxReceives) + `}`
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
