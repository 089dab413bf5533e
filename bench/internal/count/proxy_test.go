package count_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/bench/internal/count"
)

// emulator answers each call with the same, and remembers the last.
type emulator struct {
	status  int
	answer  string
	request string
}

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.request = string(body)
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.answer)
}

// through sends one call through a proxy, and returns what that counted.
func through(t *testing.T, e *emulator, target, body string) cost.Usage {
	t.Helper()

	if e.status == 0 {
		e.status = http.StatusOK
	}
	server := httptest.NewServer(e)
	defer server.Close()
	proxy, err := count.New(server.URL)
	require.NoError(t, err)
	defer proxy.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy.URL, strings.NewReader(body))
	require.NoError(t, err)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	passed, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, e.answer, string(passed))
	require.Equal(t, e.status, answer.StatusCode)
	return proxy.Usage()
}

func calls(service, name string) map[cost.Operation]int64 {
	return map[cost.Operation]int64{{Service: service, Name: name}: 1}
}

func TestProxyCountsSQS(t *testing.T) {
	t.Parallel()

	big := strings.Repeat("x", 40<<10)
	for name, c := range map[string]struct {
		target, request, answer string
		operation               string
		requests                int64
	}{
		"a batch is one by the size of all": {
			target: "AmazonSQS.SendMessageBatch", operation: "SendMessageBatch", requests: 2,
			request: `{"Entries":[{"MessageBody":"` + big + `"},{"MessageBody":"` + big + `"}]}`,
		},
		"a receive is what it brings": {
			target: "AmazonSQS.ReceiveMessage", operation: "ReceiveMessage", requests: 2,
			request: `{}`, answer: `{"Messages":[{"Body":"` + big + `"},{"Body":"` + big + `"}]}`,
		},
		"attributes count": {
			target: "AmazonSQS.SendMessage", operation: "SendMessage", requests: 2,
			request: `{"MessageBody":"` + big + `","MessageAttributes":{"a":{"DataType":"String","StringValue":"` + big + `"}}}`,
		},
		"a delete is one": {
			target: "AmazonSQS.DeleteMessage", operation: "DeleteMessage", requests: 1,
			request: `{"ReceiptHandle":"` + big + big + `"}`,
		},
		"the older protocol": {
			operation: "ListQueues", requests: 1, request: url.Values{"Action": {"ListQueues"}}.Encode(), answer: "<xml/>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			u := through(t, &emulator{answer: c.answer}, c.target, c.request)
			require.Equal(t, calls("SQS", c.operation), u.Calls)
			require.Equal(t, c.requests, u.StandardRequests)
		})
	}
}

func TestProxyCountsDynamoDB(t *testing.T) {
	t.Parallel()

	const inserts = `{"Statements":[
		{"Statement":"INSERT INTO \"t\" VALUE {'id': ?, 'r': ?}","Parameters":[{"B":"AAAA"},{"S":"RESULT"}]},
		{"Statement":"UPDATE \"t\" SET r = ? WHERE id = ?","Parameters":[{"S":"small"},{"B":"AAAA"}]}]}`
	kilobyte := strings.Repeat("r", 1<<10)
	for name, c := range map[string]struct {
		operation, request, answer string
		status                     int
		writes, reads              float64
	}{
		"a write is what DynamoDB says": {
			operation: "PutItem", request: `{"TableName":"t"}`, answer: `{"ConsumedCapacity":{"CapacityUnits":3}}`, writes: 3,
		},
		"so is a read": {
			operation: "GetItem", request: `{"TableName":"t"}`, answer: `{"ConsumedCapacity":{"CapacityUnits":0.5}}`, reads: 0.5,
		},
		"of several tables": {
			operation: "BatchGetItem", request: `{"RequestItems":{}}`,
			answer: `{"ConsumedCapacity":[{"CapacityUnits":2},{"CapacityUnits":0.5}]}`, reads: 2.5,
		},
		"statements are computed": {
			operation: "BatchExecuteStatement", request: strings.Replace(inserts, "RESULT", kilobyte, 1),
			answer: `{"Responses":[{},{}]}`, writes: 3,
		},
		"a statement that failed is charged by the larger item": {
			operation: "BatchExecuteStatement", request: inserts, writes: 3,
			answer: `{"Responses":[{"Error":{"Code":"DuplicateItem"}},
				{"Error":{"Code":"ConditionalCheckFailed","Item":{"r":{"S":"` + kilobyte + `"}}}}]}`,
		},
		"a throttled statement is free": {
			operation: "BatchExecuteStatement", request: inserts, writes: 1,
			answer: `{"Responses":[{"Error":{"Code":"ThrottlingError"}},{}]}`,
		},
		"a condition that failed is charged": {
			operation: "PutItem", request: `{"TableName":"t"}`, status: http.StatusBadRequest,
			answer: `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}`, writes: 1,
		},
		"what was refused is not": {
			operation: "PutItem", request: `{"TableName":"t"}`, status: http.StatusBadRequest, answer: `{"__type":"ThrottlingException"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			e := &emulator{status: c.status, answer: c.answer}
			u := through(t, e, "DynamoDB_20120810."+c.operation, c.request)
			require.Equal(t, calls("DynamoDB", c.operation), u.Calls)
			require.InDelta(t, c.writes, u.WriteUnits, 0)
			require.InDelta(t, c.reads, u.ReadUnits, 0)
			require.Equal(t, c.operation != "BatchExecuteStatement", strings.Contains(e.request, "ReturnConsumedCapacity"))
		})
	}
}
