package dynamo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// transport stands in for the network, below the real SDK.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

// over returns a Store whose real client talks to f, and retries at once.
func over(f transport, change ...func(*awsdynamodb.Options)) *dynamo.Store {
	return dynamo.New(clientOver(f, change...), "tasks")
}

func clientOver(f transport, change ...func(*awsdynamodb.Options)) *awsdynamodb.Client {
	opts := awsdynamodb.Options{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		BaseEndpoint: new("http://dynamodb.test"),
		HTTPClient:   f,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}
	return awsdynamodb.New(opts, change...)
}

// refusal answers every request with an error of DynamoDB.
func refusal(status int, code string) transport {
	return func(*http.Request) (*http.Response, error) {
		return jsonAnswer(status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"it says\nno"}`, code)), nil
	}
}

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"request-17"}},
		Body:       io.NopCloser(bytes.NewBufferString(body)),
	}
}

// fake is a table that answers as it is told.
type fake struct {
	dynamo.API

	calls [][]types.BatchStatementRequest
	write func(call int, statements []types.BatchStatementRequest) ([]types.BatchStatementResponse, error)
	reads []types.KeysAndAttributes
	read  func(call int, keys types.KeysAndAttributes) *awsdynamodb.BatchGetItemOutput
}

func (f *fake) BatchExecuteStatement(
	_ context.Context, in *awsdynamodb.BatchExecuteStatementInput, _ ...func(*awsdynamodb.Options),
) (*awsdynamodb.BatchExecuteStatementOutput, error) {
	f.calls = append(f.calls, in.Statements)
	if f.write == nil {
		return &awsdynamodb.BatchExecuteStatementOutput{Responses: make([]types.BatchStatementResponse, len(in.Statements))}, nil
	}
	responses, err := f.write(len(f.calls), in.Statements)
	if err != nil {
		return nil, err
	}
	return &awsdynamodb.BatchExecuteStatementOutput{Responses: responses}, nil
}

func (f *fake) BatchGetItem(
	_ context.Context, in *awsdynamodb.BatchGetItemInput, _ ...func(*awsdynamodb.Options),
) (*awsdynamodb.BatchGetItemOutput, error) {
	keys := in.RequestItems["tasks"]
	f.reads = append(f.reads, keys)
	return f.read(len(f.reads), keys), nil
}

// each answers every statement with what judge says of it; nil is success.
func each(
	judge func(call, i int) *types.BatchStatementError,
) func(int, []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
	return func(call int, statements []types.BatchStatementRequest) ([]types.BatchStatementResponse, error) {
		out := make([]types.BatchStatementResponse, len(statements))
		for i := range out {
			out[i].Error = judge(call, i)
		}
		return out, nil
	}
}

// texts are the statements of all calls.
func (f *fake) texts() [][]string {
	var out [][]string
	for _, call := range f.calls {
		var texts []string
		for _, st := range call {
			texts = append(texts, *st.Statement)
		}
		out = append(out, texts)
	}
	return out
}

const (
	duplicate = types.BatchStatementErrorCodeEnumDuplicateItem
	condition = types.BatchStatementErrorCodeEnumConditionalCheckFailed
)

func id(n int) string { return fmt.Sprintf("01890000-0000-7000-8000-%012d", n) }

func doneRecords(n int) []port.Record {
	recs := make([]port.Record, n)
	for i := range recs {
		recs[i] = port.Record{ID: id(i), State: task.Done, Generation: 1, Result: fmt.Appendf(nil, "%d", i)}
	}
	return recs
}

// take is a claim on a task, for a minute.
func take() port.Claim {
	return port.Claim{ID: id(1), Generation: 1, Token: "mine", For: time.Minute}
}

// saveOne saves a record and returns its error.
func saveOne(t *testing.T, s *dynamo.Store, rec port.Record) error {
	t.Helper()
	return port.ItemError(s.Save(t.Context(), []port.Record{rec}), 0)
}

func claimOne(t *testing.T, s *dynamo.Store, c port.Claim) (port.Record, error) {
	t.Helper()
	recs, err := s.Claim(t.Context(), []port.Claim{c})
	require.Len(t, recs, 1)
	return recs[0], port.ItemError(err, 0)
}
