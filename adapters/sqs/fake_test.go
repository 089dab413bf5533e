package sqs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

const testURL = "http://sqs.test/000000000000/tasks"

// transport stands in for the network, below the real SDK.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

// over returns a Broker whose real client talks to f, and retries at once.
func over(f transport, change ...func(*awssqs.Options)) *sqs.Broker {
	return sqs.New(clientOver(f, change...), testURL)
}

func clientOver(f transport, change ...func(*awssqs.Options)) *awssqs.Client {
	opts := awssqs.Options{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		BaseEndpoint: new("http://sqs.test"),
		HTTPClient:   f,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}
	return awssqs.New(opts, change...)
}

// refusal answers every request with an error of SQS.
func refusal(status int, code string) transport {
	return func(*http.Request) (*http.Response, error) { return errorAnswer(status, code), nil }
}

func errorAnswer(status int, code string) *http.Response {
	return jsonAnswer(status, fmt.Sprintf(`{"__type":"com.amazonaws.sqs#%s","message":"it says\nno"}`, code))
}

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"request-17"}},
		Body:       io.NopCloser(bytes.NewBufferString(body)),
	}
}

// broken fails every request like a network that does.
func broken(err error) transport {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// fake is a queue that answers a batch as it is told.
type fake struct {
	sqs.API

	fail    map[string]types.BatchResultErrorEntry // by entry ID
	silent  []string                               // entries that the answer leaves out
	sends   []*awssqs.SendMessageBatchInput
	extends []*awssqs.ChangeMessageVisibilityBatchInput
	acks    []*awssqs.DeleteMessageBatchInput
	reads   int
	refuse  func(entries int) error // a whole call to send
	poll    func(context.Context, *awssqs.ReceiveMessageInput) (*awssqs.ReceiveMessageOutput, error)
}

// answer sorts entry IDs into those that succeeded and the others.
func (f *fake) answer(ids []*string) (ok []*string, failed []types.BatchResultErrorEntry) {
	for _, id := range slices.Backward(ids) { // SQS promises no order
		if e, bad := f.fail[*id]; bad {
			e.Id = id
			failed = append(failed, e)
		} else if !slices.Contains(f.silent, *id) {
			ok = append(ok, id)
		}
	}
	return ok, failed
}

func (f *fake) SendMessageBatch(
	_ context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.SendMessageBatchOutput, error) {
	f.sends = append(f.sends, in)
	if f.refuse != nil {
		if err := f.refuse(len(in.Entries)); err != nil {
			return nil, err
		}
	}
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := &awssqs.SendMessageBatchOutput{}
	var ok []*string
	ok, out.Failed = f.answer(ids)
	for _, id := range ok {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: id})
	}
	return out, nil
}

func (f *fake) ChangeMessageVisibilityBatch(
	_ context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	f.extends = append(f.extends, in)
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := &awssqs.ChangeMessageVisibilityBatchOutput{}
	var ok []*string
	ok, out.Failed = f.answer(ids)
	for _, id := range ok {
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: id})
	}
	return out, nil
}

func (f *fake) DeleteMessageBatch(
	_ context.Context, in *awssqs.DeleteMessageBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.DeleteMessageBatchOutput, error) {
	f.acks = append(f.acks, in)
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := &awssqs.DeleteMessageBatchOutput{}
	var ok []*string
	ok, out.Failed = f.answer(ids)
	for _, id := range ok {
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: id})
	}
	return out, nil
}

func (f *fake) ReceiveMessage(
	ctx context.Context, in *awssqs.ReceiveMessageInput, _ ...func(*awssqs.Options),
) (*awssqs.ReceiveMessageOutput, error) {
	return f.poll(ctx, in)
}

func (f *fake) GetQueueAttributes(
	context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options),
) (*awssqs.GetQueueAttributesOutput, error) {
	f.reads++
	return &awssqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"MaximumMessageSize": "2048", "MessageRetentionPeriod": "604800",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn","maxReceiveCount":1000}`,
	}}, nil
}

func messages(n int) []port.Message {
	msgs := make([]port.Message, n)
	for i := range msgs {
		msgs[i] = port.Message{Body: fmt.Appendf(nil, "message %d", i)}
	}
	return msgs
}

func deliveries(n int) []port.Delivery {
	ds := make([]port.Delivery, n)
	for i := range ds {
		ds[i].Handle = fmt.Sprintf("handle %d", i)
	}
	return ds
}

func leases(n int, d time.Duration) []port.Lease {
	ls := make([]port.Lease, n)
	for i, delivery := range deliveries(n) {
		ls[i] = port.Lease{Delivery: delivery, For: d}
	}
	return ls
}

// batchCalls are the three batch methods, by name, with n items.
func batchCalls(n int) map[string]func(*testing.T, *sqs.Broker) error {
	return map[string]func(*testing.T, *sqs.Broker) error{
		"Send": func(t *testing.T, b *sqs.Broker) error { t.Helper(); return b.Send(t.Context(), messages(n)) },
		"Extend": func(t *testing.T, b *sqs.Broker) error {
			t.Helper()
			return b.Extend(t.Context(), leases(n, time.Minute))
		},
		"Ack": func(t *testing.T, b *sqs.Broker) error { t.Helper(); return b.Ack(t.Context(), deliveries(n)) },
	}
}

var noMessages = &awssqs.ReceiveMessageOutput{}

func entryError(code string, senderFault bool) types.BatchResultErrorEntry {
	return types.BatchResultErrorEntry{Code: aws.String(code), SenderFault: senderFault, Message: new("why")}
}
