package lambda_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/allocs"
	"github.com/jamesTait-jt/goflow/lambda"
)

// An event may make perByte bytes be allocated for each of its own, beside allocs.Spare;
// each record counts as so many more, since running a task has its price.
const (
	perByte   = 64
	perRecord = 1024
)

// FuzzEvent hands any bytes to the function, as Lambda does: no panic, an answer that
// names records of the event, each once, and all whose tasks are not settled. An odd down
// is a store that takes nothing.
func FuzzEvent(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte, down byte) { checkEvent(t, raw, down%2 == 1) })
}

func TestMemoryOfAnEventIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 256 << 10
	record := `{"messageId":"0193a1f0-5b7c-4d3e-8f00-2a4b6c8d0e1f","body":"{\"v\":1,\"type\":\"echo\",\"payload\":`
	for _, raw := range []string{
		`{"Records":[` + record + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}"}]}`,
		`{"Records":[` + record + strings.Repeat(`\u0030`, size/6) + `}"}]}`,
		`{"Records":[{"messageAttributes":{` + strings.Repeat(`"a":{},`, size/7) + `"b":{}}}]}`,
		`{"Records":[{"messageAttributes":{"a":{"stringListValues":[` + strings.Repeat(`"",`, size/3) + `""]}}}]}`,
		`{"Records":[{"attributes":{` + strings.Repeat(`"a":"",`, size/7) + `"b":""}}]}`,
		strings.Repeat(`{"Records":`, 9000) + strings.Repeat(`}`, 9000),
	} {
		checkEvent(t, []byte(raw), false)
	}
}

func checkEvent(t *testing.T, raw []byte, down bool) {
	t.Helper()
	var event events.SQSEvent
	if json.Unmarshal(raw, &event) != nil || len(event.Records) > 100 {
		return // Lambda's own library refuses it; Lambda sends 10
	}
	inLambda(t, func(m *mapping) {
		goflow.NewJob[json.RawMessage, json.RawMessage]("echo").Handle(m.mux, func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
		goflow.NewJob[json.RawMessage, int]("fail", goflow.Once()).Handle(m.mux, func(context.Context, json.RawMessage) (int, error) { return 0, errBad })
		if down {
			m.store.refuse = func(string) error { return port.ErrRefused }
		}
		h := awslambda.NewHandler(m.fuzzed().Handle)
		ctx, cancel := context.WithTimeout(m.Context(), timeout)
		defer cancel()
		var answer []byte
		var err error
		allocs.Within(m, len(raw)+len(event.Records)*perRecord, perByte, func() { answer, err = h.Invoke(ctx, raw) })
		if err != nil {
			require.True(m, down || !wellFormed(event), "%v", err)
			return
		}
		if wellFormed(event) {
			m.requireWholeLetters()
		}
		stay, copies := m.named(event, answer), m.copies()
		for _, r := range event.Records {
			if !stay[r.MessageId] {
				require.True(m, !down && (copies[r.Body] || m.isSettled(r)), "to be deleted, and not settled: %+v", r)
			}
		}
	})
}

// fuzzed is the handler of a function whose queue takes what is sent on, and gives back
// what nobody received.
func (m *mapping) fuzzed() *lambda.Handler {
	m.Helper()
	h, err := lambda.NewHandler(sendingQueue{functionQueue{m}}, m.store, m.mux,
		goflow.DeadLetters(m.dead), goflow.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(m, err)
	return h
}

type sendingQueue struct{ functionQueue }

func (q sendingQueue) Send(ctx context.Context, msgs []port.Message) error {
	return q.m.queue.Send(ctx, msgs)
}

func (sendingQueue) Extend(context.Context, []port.Lease) error { return nil }

// copies are the bodies of what was sent on.
func (m *mapping) copies() map[string]bool {
	m.Helper()
	time.Sleep(15 * time.Minute)
	bodies := map[string]bool{}
	into := make([]port.Delivery, port.MaxMessages)
	for {
		n, err := m.queue.Receive(m.Context(), into)
		require.NoError(m, err)
		if n == 0 {
			return bodies
		}
		for _, d := range into[:n] {
			bodies[string(d.Body)] = true
		}
	}
}

// requireWholeLetters wants all in every dead letter that there is to say.
func (m *mapping) requireWholeLetters() {
	m.Helper()
	into := make([]port.Delivery, port.MaxMessages)
	for {
		n, err := m.dead.Receive(m.Context(), into)
		require.NoError(m, err)
		if n == 0 {
			return
		}
		for _, d := range into[:n] {
			require.Contains(m, d.Attributes["goflow-dead"], `"receives":`)
			require.NotContains(m, d.Attributes["goflow-dead"], `"diedAt":"0001`, "the least that a redrive needs, and no more")
		}
	}
}

// named reads an answer as Lambda does.
func (m *mapping) named(event events.SQSEvent, raw []byte) map[string]bool {
	m.Helper()
	var answer events.SQSEventResponse
	require.NoError(m, json.Unmarshal(raw, &answer))
	require.NotNil(m, answer.BatchItemFailures, "null: %s", raw)
	known, named := map[string]bool{}, map[string]bool{}
	for _, r := range event.Records {
		known[r.MessageId] = true
	}
	for _, f := range answer.BatchItemFailures {
		require.True(m, f.ItemIdentifier != "" && known[f.ItemIdentifier] && !named[f.ItemIdentifier], "%s", raw)
		named[f.ItemIdentifier] = true
	}
	return named
}

// isSettled tells whether the task of a record has an outcome, or a later generation.
// Its ID is the first that is one.
func (m *mapping) isSettled(r events.SQSMessage) bool {
	m.Helper()
	for _, text := range []string{attribute(r, "goflow-dead"), attribute(r, "goflow-due"), r.Body, `{"id":"` + r.MessageId + `"}`} {
		var names struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal([]byte(text), &names)
		if id := strings.ToLower(names.ID); uuid.MatchString(id) && m.get(id).State.Terminal() {
			return true
		}
	}
	return false
}

func attribute(r events.SQSMessage, name string) string {
	if value := r.MessageAttributes[name].StringValue; value != nil {
		return *value
	}
	return ""
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// wellFormed tells whether SQS can have sent such an event.
func wellFormed(event events.SQSEvent) bool {
	for _, r := range event.Records {
		if !uuid.MatchString(r.MessageId) || !fit(r.Body) {
			return false
		}
	}
	return true
}

// fit tells whether SQS takes such a body, with room for what a dead letter adds.
func fit(body string) bool {
	foreign := func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\n\r", c) || c == 0xFFFE || c == 0xFFFF }
	return body != "" && len(body) <= 1<<20-8<<10 && utf8.ValidString(body) && !strings.ContainsFunc(body, foreign)
}
