package metrics_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/internal/metrics"
)

func TestMetricsAreWhatTheMeterHas(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	defer service.Close()
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), BaseEndpoint: &service.URL}
	var m cost.Meter
	m.Watch(&cfg)
	handler := metrics.Handler(&m)
	require.NotContains(t, scrape(t, handler), "goflow_aws_calls_total{")

	queues, tables := awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg)
	for _, queue := range []string{"tasks", "tasks.fifo"} {
		_, err := queues.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &queue})
		require.NoError(t, err)
	}
	key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberB{Value: make([]byte, 16)}}
	_, err := tables.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: aws.String("t"), Item: key})
	require.NoError(t, err)
	_, err = tables.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: aws.String("t"), Key: key})
	require.NoError(t, err)

	got := scrape(t, handler)
	for _, want := range []string{
		`goflow_aws_calls_total{operation="ReceiveMessage",service="SQS"} 2`,
		`goflow_aws_calls_total{operation="PutItem",service="DynamoDB"} 1`,
		`goflow_aws_billed_units_total{service="SQS",unit="standard_request"} 1`,
		`goflow_aws_billed_units_total{service="SQS",unit="fifo_request"} 1`,
		`goflow_aws_billed_units_total{service="DynamoDB",unit="write_unit"} 1`,
		`goflow_aws_billed_units_total{service="DynamoDB",unit="read_unit"} 0.5`,
		`goflow_aws_dollars_total{service="SQS"} 9e-07`,
		fmt.Sprintf("goflow_aws_connections_total %d", m.Usage().Connections),
	} {
		require.Contains(t, got, want+"\n")
	}
	require.Contains(t, got, `goflow_aws_dollars_total{service="DynamoDB"} 6.875`)
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	require.True(t, strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain"))
	return answer.Body.String()
}
