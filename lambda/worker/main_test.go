package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/runtimeapi"
)

// bootstrap builds a program as template.yaml's function is built, for this
// machine.
func bootstrap(t testing.TB, program string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", path, program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// environment is a function's, at an endpoint.
func environment(endpoint, table string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"GOFLOW_QUEUE_URL=" + endpoint + "/000000000000/tasks", "GOFLOW_DLQ_URL=" + endpoint + "/000000000000/dead", "GOFLOW_TABLE=" + table,
	}
}

// A cold start is paid for, so it must not wait for anybody.
func TestColdStartMakesNoCall(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	aws := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(aws.Close)
	f := runtimeapi.Start(t, bootstrap(t, "."), environment(aws.URL, "t")...)
	f.Ready()
	r := f.Invoke(t.Context(), []byte(`{"Records":[]}`), time.Second)
	require.Nil(t, r.Error)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(r.Payload))
	require.Zero(t, calls.Load())
}

// The real binary, Lambda's API and a real table: only the queue is left out.
func TestFunctionAnswersAnEvent(t *testing.T) {
	t.Parallel()
	cfg, table := localstack.Config(t), localstack.Name(t)
	require.NoError(t, dynamo.Provision(t.Context(), awsdynamodb.NewFromConfig(cfg), table))
	f := runtimeapi.Start(t, bootstrap(t, "."), environment(*cfg.BaseEndpoint, table)...)
	var event events.SQSEvent
	for i, body := range []string{
		`{"v":1,"type":"sample.echo","payload":"hello"}`,
		`{"v":1,"type":"nobody.knows"}`, // comes again, though its visibility cannot be changed: there is no such queue
		`{"v":1,"type":"sample.hash","payload":{"text":"abc"}}`,
	} {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("0193a1f0-5b7c-4d3e-8f00-00000000000%d", i), Body: body, ReceiptHandle: "x",
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": fmt.Sprint(time.Now().UnixMilli())},
		})
	}
	raw, err := json.Marshal(event)
	require.NoError(t, err)
	r := f.Invoke(t.Context(), raw, 30*time.Second)
	require.Nil(t, r.Error)
	require.JSONEq(t, fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, event.Records[1].MessageId), string(r.Payload))
	records, err := dynamo.New(awsdynamodb.NewFromConfig(cfg), table).Load(t.Context(), []string{event.Records[0].MessageId, event.Records[1].MessageId}, true)
	require.NoError(t, err)
	require.Equal(t, task.Done, records[0].State)
	require.JSONEq(t, `"hello"`, string(records[0].Result))
	require.Equal(t, task.Unknown, records[1].State)
}

// What runs when Lambda ends the process goes back at once, not after the queue's
// visibility timeout.
func TestTerminatedFunctionGivesBackWhatRuns(t *testing.T) {
	t.Parallel()
	running, given := make(chan struct{}), make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
	}))
	t.Cleanup(site.Close)
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ChangeMessageVisibilityBatch") {
			given <- string(body)
		}
		_, _ = io.WriteString(w, `{"Successful":[{"Id":"0"}],"Failed":[]}`) // whoever asked may be gone
	}))
	t.Cleanup(aws.Close)
	f := runtimeapi.Start(t, bootstrap(t, "."), environment(aws.URL, "t")...)
	raw, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "0193a1f0-5b7c-4d3e-8f00-000000000001", ReceiptHandle: "x",
		Body:       fmt.Sprintf(`{"v":1,"type":"sample.fetch","payload":{"url":%q}}`, site.URL),
		Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	require.NoError(t, err)
	go f.Invoke(t.Context(), raw, time.Minute)
	<-running
	f.Stop(runtimeapi.ShutdownTime)
	select {
	case body := <-given:
		require.Contains(t, body, `"VisibilityTimeout":0`)
	default:
		require.Fail(t, "nothing was given back before the kill")
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"queue is missing":         {nil, "queue-url is missing: give a queue's URL or name as GOFLOW_QUEUE_URL"},
		"table is missing":         {map[string]string{"GOFLOW_QUEUE_URL": "http://127.0.0.1:1/q"}, "table is missing: give a table's name as GOFLOW_TABLE"},
		"dead letters are missing": {map[string]string{"GOFLOW_QUEUE_URL": "http://127.0.0.1:1/q", "GOFLOW_TABLE": "t"}, "as GOFLOW_DLQ_URL, or GOFLOW_NO_DLQ to only record dead tasks"},
		"one queue for both": {
			map[string]string{"GOFLOW_QUEUE_URL": "http://127.0.0.1:1/q", "GOFLOW_DLQ_URL": "http://127.0.0.1:1/q", "GOFLOW_TABLE": "t"},
			"GOFLOW_DLQ_URL and GOFLOW_QUEUE_URL name the same queue, q: dead letters need one of their own",
		},
		"bad margin":       {map[string]string{"GOFLOW_MARGIN": "1h"}, "GOFLOW_MARGIN: 1h is out of range: give 10ms to 5m"},
		"a pool's setting": {map[string]string{"GOFLOW_LEASE": "bad"}, "queue-url is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newHandler(t.Context(), func(key string) string { return test.env[key] }, &bytes.Buffer{})
			require.ErrorContains(t, err, test.want)
		})
	}
}
