package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/lambda"
)

const (
	visibility = 6 * time.Minute // of the queue
	timeout    = time.Minute     // of the function
)

// mapping is an event source mapping: it receives from a queue in memory,
// invokes a handler, and reads the answer as Lambda documents it. It lives in a
// synctest bubble, so time is free.
type mapping struct {
	*testing.T
	queue, dead *memory.Broker
	records     *memory.Store
	store       *countingStore
	mux         *goflow.Mux
	client      *goflow.Client
	arn         string

	mu       sync.Mutex
	received map[string]port.Delivery // by receipt handle
	extended [][]time.Duration        // what each call to extend asked for
	refuse   error                    // of the next calls to extend
	limits   int                      // calls for the queue's limits
	silent   bool                     // they are not answered
}

func inLambda(t *testing.T, f func(m *mapping)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		m := &mapping{
			T: t, mux: goflow.NewMux(), records: memory.NewStore(), received: map[string]port.Delivery{},
			queue: memory.NewBroker(memory.Lease(visibility), memory.PollWait(time.Second)),
			dead:  memory.NewBroker(memory.Lease(visibility), memory.PollWait(time.Second)),
			arn:   "arn:aws:sqs:us-east-1:000000000000:tasks",
		}
		m.store = &countingStore{Store: m.records}
		var err error
		m.client, err = goflow.NewClient(m.queue, m.records)
		require.NoError(t, err)
		f(m)
	})
}

func (m *mapping) handler(opts ...goflow.WorkerOption) *lambda.Handler {
	m.Helper()
	h, err := lambda.NewHandler(functionQueue{m}, m.store, m.mux, append([]goflow.WorkerOption{goflow.DeadLetters(m.dead)}, opts...)...)
	require.NoError(m, err)
	return h
}

func (m *mapping) push(taskType string, payload any) string {
	m.Helper()
	raw, err := json.Marshal(payload)
	require.NoError(m, err)
	id, err := m.client.Push(m.Context(), taskType, raw)
	require.NoError(m, err)
	return id
}

// event receives up to n messages, as many as there are.
func (m *mapping) event(n int) events.SQSEvent {
	m.Helper()
	var event events.SQSEvent
	for len(event.Records) < n {
		into := make([]port.Delivery, min(n-len(event.Records), port.MaxMessages))
		got, err := m.queue.Receive(m.Context(), into)
		require.NoError(m, err)
		if got == 0 {
			break
		}
		for _, d := range into[:got] {
			event.Records = append(event.Records, m.record(d))
		}
	}
	return event
}

func (m *mapping) record(d port.Delivery) events.SQSMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	handle := fmt.Sprintf("handle %d", len(m.received))
	m.received[handle] = d
	r := events.SQSMessage{
		MessageId: d.ID, ReceiptHandle: handle, Body: string(d.Body), EventSource: "aws:sqs", EventSourceARN: m.arn,
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(d.Receives),
			"SentTimestamp":                    strconv.FormatInt(d.SentAt.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(d.FirstReceivedAt.UnixMilli(), 10),
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
	}
	if d.Group != "" {
		r.Attributes["MessageGroupId"] = d.Group
	}
	for name, text := range d.Attributes {
		r.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: &text, DataType: "String"}
	}
	return r
}

// invoke hands an event to the function and deletes what Lambda would delete.
// It returns the IDs that the answer names.
func (m *mapping) invoke(h *lambda.Handler, event events.SQSEvent) []string {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), timeout)
	defer cancel()
	answer, err := h.Handle(ctx, event)
	require.NoError(m, err)
	raw, err := json.Marshal(answer)
	require.NoError(m, err)
	return m.settle(event, raw)
}

// settle follows
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html:
// null and an empty list are the success of all, an ID that is empty or unknown
// the failure of all.
func (m *mapping) settle(event events.SQSEvent, raw []byte) (failed []string) {
	m.Helper()
	var answer struct {
		Failures *[]struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	require.NoError(m, json.Unmarshal(raw, &answer))
	require.NotNil(m, answer.Failures, "null, which Lambda takes for the success of all: %s", raw)
	known := map[string]bool{}
	for _, r := range event.Records {
		known[r.MessageId] = true
	}
	stay := map[string]bool{}
	for _, f := range *answer.Failures {
		require.True(m, known[f.ID], "%q is not in the batch, which Lambda takes for the failure of all", f.ID)
		require.False(m, stay[f.ID], "%q is named twice", f.ID)
		stay[f.ID] = true
		failed = append(failed, f.ID)
	}
	for _, r := range event.Records {
		if !stay[r.MessageId] {
			require.NoError(m, m.queue.Ack(m.Context(), []port.Delivery{m.received[r.ReceiptHandle]}))
		}
	}
	return failed
}

// drain invokes h with batches of ten until the queue is empty.
func (m *mapping) drain(h *lambda.Handler) {
	m.Helper()
	for begin := time.Now(); time.Since(begin) < 24*time.Hour; {
		if size, err := m.queue.Size(m.Context()); err == nil && size == (port.Size{}) {
			return
		}
		if event := m.event(port.MaxMessages); len(event.Records) > 0 {
			m.invoke(h, event)
		}
	}
	require.FailNow(m, "messages are left in the queue after a day")
}

func (m *mapping) get(id string) goflow.Record {
	m.Helper()
	rec, err := m.client.Get(m.Context(), id)
	require.NoError(m, err)
	return rec
}

// deadLetters returns the reasons of all dead letters, by task.
func (m *mapping) deadLetters() map[string]string {
	m.Helper()
	reasons := map[string]string{}
	for {
		into := make([]port.Delivery, port.MaxMessages)
		n, err := m.dead.Receive(m.Context(), into)
		require.NoError(m, err)
		if n == 0 {
			return reasons
		}
		for _, d := range into[:n] {
			var note struct {
				ID     string `json:"id"`
				Reason string `json:"reason"`
			}
			require.NoError(m, json.Unmarshal([]byte(d.Attributes["goflow-dead"]), &note))
			reasons[note.ID] = note.Reason
		}
	}
}

// functionQueue is the queue as the function knows it: by receipt handles.
type functionQueue struct{ m *mapping }

func (q functionQueue) Limits(ctx context.Context) (port.Limits, error) {
	q.m.mu.Lock()
	q.m.limits++
	silent := q.m.silent
	q.m.mu.Unlock()
	if silent {
		<-ctx.Done()
		return port.Limits{}, ctx.Err()
	}
	return q.m.queue.Limits(ctx)
}

func (q functionQueue) Extend(ctx context.Context, leases []port.Lease) error {
	q.m.mu.Lock()
	defer q.m.mu.Unlock()
	if err := q.m.refuse; err != nil {
		if errors.Is(err, port.ErrUnavailable) {
			q.m.refuse = nil // it passes
		}
		return err
	}
	own := make([]port.Lease, len(leases))
	asked := make([]time.Duration, len(leases))
	for i, l := range leases {
		handle, _ := l.Delivery.Handle.(string)
		own[i], asked[i] = port.Lease{Delivery: q.m.received[handle], For: l.For}, l.For
	}
	q.m.extended = append(q.m.extended, asked)
	return q.m.queue.Extend(ctx, own)
}

func (functionQueue) Send(context.Context, []port.Message) error {
	panic("a function sends nothing to its queue")
}

func (functionQueue) Ack(context.Context, []port.Delivery) error { panic("it is Lambda that deletes") }

func (functionQueue) Receive(context.Context, []port.Delivery) (int, error) {
	panic("it is Lambda that receives")
}

// countingStore counts calls, and fails for the tasks that refuse names.
type countingStore struct {
	port.Store
	mu     sync.Mutex
	calls  []string // method and number of items
	refuse func(id string) error
	slow   atomic.Int64           // what a load takes
	hang   atomic.Pointer[string] // the task whose saves do not come back
}

// refused notes a call and returns the errors of its items.
func (s *countingStore) refused(method string, ids ...string) port.ItemErrors {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf("%s %d", method, len(ids)))
	errs := port.ItemErrors{}
	for i, id := range ids {
		if s.refuse != nil && s.refuse(id) != nil {
			errs[i] = s.refuse(id)
		}
	}
	return errs
}

func (s *countingStore) Save(ctx context.Context, recs []port.Record) error {
	ids := make([]string, len(recs))
	for i, rec := range recs {
		ids[i] = rec.ID
	}
	errs := s.refused("save", ids...)
	if hung := s.hang.Load(); hung != nil && slices.Contains(ids, *hung) {
		time.Sleep(time.Hour) // as if nothing ended its context
		return port.ErrUnavailable
	}
	for i, rec := range recs {
		if errs[i] != nil {
			continue
		}
		if err := s.Store.Save(ctx, []port.Record{rec}); err != nil {
			errs[i] = port.ItemError(err, 0)
		}
	}
	return errs.Err()
}

func (s *countingStore) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	method := "load"
	if fresh {
		method = "fresh load"
	}
	time.Sleep(time.Duration(s.slow.Load()))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := s.refused(method, ids...).Err(); err != nil {
		return make([]port.Record, len(ids)), err
	}
	return s.Store.Load(ctx, ids, fresh)
}

func (s *countingStore) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	_ = s.refused("claim", make([]string, len(claims))...) // counted only
	return s.Store.Claim(ctx, claims)
}

// refusingBroker takes nothing.
type refusingBroker struct{ port.Broker }

func (refusingBroker) Send(context.Context, []port.Message) error { return port.ErrRefused }

// taskID is the ID that a record's body names.
func (m *mapping) taskID(r events.SQSMessage) string {
	m.Helper()
	var body struct {
		ID string `json:"id"`
	}
	require.NoError(m, json.Unmarshal([]byte(r.Body), &body))
	return body.ID
}

// purge deletes everything that is in the queue, whoever holds it.
func (m *mapping) purge() {
	m.Helper()
	for handle, d := range m.received {
		require.NoError(m, m.queue.Ack(m.Context(), []port.Delivery{d}))
		delete(m.received, handle)
	}
}

func (m *mapping) requireEmpty() {
	m.Helper()
	size, err := m.queue.Size(m.Context())
	require.NoError(m, err)
	require.Zero(m, size)
}

// pushStep sends a task of a group, which a step's first letter names, as a
// client will once it knows groups.
func (m *mapping) pushStep(step string) {
	m.Helper()
	body, group := fmt.Sprintf(`{"v":1,"type":"step","payload":%q}`, step), step[:1]
	require.NoError(m, m.queue.Send(m.Context(), []port.Message{{Body: []byte(body), Group: group}}))
}

// steps are those of a group.
func steps(all []string, group string) (own []string) {
	for _, step := range all {
		if step[:1] == group {
			own = append(own, step)
		}
	}
	return own
}
