package wire_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/simulation/wire"
)

// services are both APIs. They answer with what is there for an operation, and
// else that all went well.
type services struct {
	mu   sync.Mutex
	got  []any            // the inputs, in their order
	give map[string]any   // outputs, by operation
	fail map[string]error // errors, by operation
	poll time.Duration    // how long a receive takes
}

// took notes an input.
func took[Out any](s *services, name string, in any) (out *Out, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, in)
	out, _ = s.give[name].(*Out)
	return out, s.fail[name]
}

// calls is how often the services were called.
func (s *services) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *services) SendMessageBatch(
	_ context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.SendMessageBatchOutput, error) {
	out, err := took[awssqs.SendMessageBatchOutput](s, "SendMessageBatch", in)
	if out == nil {
		out = &awssqs.SendMessageBatchOutput{}
		for _, e := range in.Entries {
			out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: e.Id, MessageId: new("m" + *e.Id)})
		}
	}
	return out, err
}

func (s *services) ReceiveMessage(
	ctx context.Context, in *awssqs.ReceiveMessageInput, _ ...func(*awssqs.Options),
) (*awssqs.ReceiveMessageOutput, error) {
	select {
	case <-time.After(s.poll):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out, err := took[awssqs.ReceiveMessageOutput](s, "ReceiveMessage", in)
	if out == nil {
		out = &awssqs.ReceiveMessageOutput{}
	}
	return out, err
}

func (s *services) ChangeMessageVisibilityBatch(
	_ context.Context, in *awssqs.ChangeMessageVisibilityBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	out, err := took[awssqs.ChangeMessageVisibilityBatchOutput](s, "ChangeMessageVisibilityBatch", in)
	if out == nil {
		out = &awssqs.ChangeMessageVisibilityBatchOutput{}
		for _, e := range in.Entries {
			out.Successful = append(out.Successful, sqstypes.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
		}
	}
	return out, err
}

func (s *services) DeleteMessageBatch(
	_ context.Context, in *awssqs.DeleteMessageBatchInput, _ ...func(*awssqs.Options),
) (*awssqs.DeleteMessageBatchOutput, error) {
	out, err := took[awssqs.DeleteMessageBatchOutput](s, "DeleteMessageBatch", in)
	if out == nil {
		out = &awssqs.DeleteMessageBatchOutput{}
		for _, e := range in.Entries {
			out.Successful = append(out.Successful, sqstypes.DeleteMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out, err
}

func (s *services) GetQueueAttributes(
	_ context.Context, in *awssqs.GetQueueAttributesInput, _ ...func(*awssqs.Options),
) (*awssqs.GetQueueAttributesOutput, error) {
	out, err := took[awssqs.GetQueueAttributesOutput](s, "GetQueueAttributes", in)
	if out == nil {
		out = &awssqs.GetQueueAttributesOutput{}
	}
	return out, err
}

func (s *services) BatchExecuteStatement(
	_ context.Context, in *awsdynamodb.BatchExecuteStatementInput, _ ...func(*awsdynamodb.Options),
) (*awsdynamodb.BatchExecuteStatementOutput, error) {
	out, err := took[awsdynamodb.BatchExecuteStatementOutput](s, "BatchExecuteStatement", in)
	if out == nil {
		out = &awsdynamodb.BatchExecuteStatementOutput{Responses: make([]types.BatchStatementResponse, len(in.Statements))}
	}
	return out, err
}

func (s *services) BatchGetItem(
	_ context.Context, in *awsdynamodb.BatchGetItemInput, _ ...func(*awsdynamodb.Options),
) (*awsdynamodb.BatchGetItemOutput, error) {
	out, err := took[awsdynamodb.BatchGetItemOutput](s, "BatchGetItem", in)
	if out == nil {
		out = &awsdynamodb.BatchGetItemOutput{}
	}
	return out, err
}

func (s *services) DescribeTable(
	_ context.Context, in *awsdynamodb.DescribeTableInput, _ ...func(*awsdynamodb.Options),
) (*awsdynamodb.DescribeTableOutput, error) {
	out, err := took[awsdynamodb.DescribeTableOutput](s, "DescribeTable", in)
	if out == nil {
		out = &awsdynamodb.DescribeTableOutput{}
	}
	return out, err
}

// world is both adapters over the real clients, the wire and the services.
type world struct {
	*services

	wire   *wire.Transport
	broker *sqs.Broker
	store  *dynamo.Store
	queues *awssqs.Client
	tables *awsdynamodb.Client
	waits  []int // attempts that a client waited after
}

const backoff = 100 * time.Millisecond

func newWorld(faults wire.Faults) *world {
	w := &world{services: &services{give: map[string]any{}, fail: map[string]error{}}}
	w.wire = wire.New(w.services, w.services, faults)
	var mu sync.Mutex
	w.queues, w.tables = wire.Clients(w.wire, func(attempt int) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		w.waits = append(w.waits, attempt)
		return backoff
	})
	w.broker = sqs.New(w.queues, "http://sqs.simulation/000000000000/tasks")
	w.store = dynamo.New(w.tables, "tasks")
	return w
}

// in runs f in a bubble, with its own world.
func in(t *testing.T, faults wire.Faults, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(faults)) })
}

// always is a fault of every request.
func always(f wire.Fault) wire.Faults {
	return func(context.Context, string) wire.Fault { return f }
}

// first is a fault of the first request only.
func first(f wire.Fault) wire.Faults {
	calls := 0
	return func(context.Context, string) wire.Fault {
		if calls++; calls > 1 {
			return wire.Fault{}
		}
		return f
	}
}

const id = "01890000-0000-7000-8000-000000000001"

// port calls of one item each, by name.
func portCalls() map[string]func(context.Context, *world) error {
	delivery := port.Delivery{Handle: "handle"}
	return map[string]func(context.Context, *world) error{
		"Send": func(ctx context.Context, w *world) error {
			return port.ItemError(w.broker.Send(ctx, []port.Message{{Body: []byte("body")}}), 0)
		},
		"Receive": func(ctx context.Context, w *world) error {
			_, err := w.broker.Receive(ctx, make([]port.Delivery, 1))
			return err
		},
		"Extend": func(ctx context.Context, w *world) error {
			return port.ItemError(w.broker.Extend(ctx, []port.Lease{{Delivery: delivery, For: time.Minute}}), 0)
		},
		"Ack": func(ctx context.Context, w *world) error {
			return port.ItemError(w.broker.Ack(ctx, []port.Delivery{delivery}), 0)
		},
		"Describe": func(ctx context.Context, w *world) error {
			_, err := w.broker.Describe(ctx)
			return err
		},
		"Save": func(ctx context.Context, w *world) error {
			return port.ItemError(w.store.Save(ctx, []port.Record{{ID: id, State: task.Done, Generation: 1}}), 0)
		},
		"Load": func(ctx context.Context, w *world) error {
			_, err := w.store.Load(ctx, []string{id}, true)
			return port.ItemError(err, 0)
		},
		"Check": func(ctx context.Context, w *world) error {
			return w.store.Check(ctx)
		},
	}
}

// str makes a pointer to a constant.
var str = aws.String

func statementFailed(code types.BatchStatementErrorCodeEnum) *awsdynamodb.BatchExecuteStatementOutput {
	return &awsdynamodb.BatchExecuteStatementOutput{Responses: []types.BatchStatementResponse{
		{Error: &types.BatchStatementError{Code: code, Message: str("why")}},
	}}
}

// answered is an HTTP answer that was read to its end.
type answered struct {
	status int
	header http.Header
	length int64
	text   string
	cut    error
}

// post sends a request that no client has made.
func (w *world) post(t *testing.T, target, body string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://any.simulation/", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("X-Amz-Date", "20000101T000000Z") // when a bubble begins
	a, err := w.wire.Do(r)
	require.NoError(t, err)
	text, cut := io.ReadAll(a.Body)
	require.NoError(t, a.Body.Close())
	return answered{status: a.StatusCode, header: a.Header, length: a.ContentLength, text: string(text), cut: cut}
}
