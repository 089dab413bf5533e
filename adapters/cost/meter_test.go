package cost_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

var (
	plain   = aws.String("http://service.test/1/tasks")
	ordered = aws.String("http://service.test/1/tasks.fifo")
)

func TestEveryAttemptThatIsAnsweredIsACall(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	s := &service{answers: []string{`500 {}`, `500 {}`, `200 {}`}}
	client := awssqs.NewFromConfig(watched(t, &m, s))
	_, err := client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: plain, ReceiptHandle: aws.String("h")})
	require.NoError(t, err)
	require.Equal(t, cost.Usage{Calls: map[cost.Operation]int64{{Service: "SQS", Name: "DeleteMessage"}: 3}, StandardRequests: 3}, m.Usage())
}

func TestSeveralMetersWatch(t *testing.T) {
	t.Parallel()
	var first, second cost.Meter
	cfg := watched(t, &first, &service{answers: []string{`200 {}`}})
	second.Watch(&cfg)
	first.Watch(&cfg)
	_, err := awssqs.NewFromConfig(cfg).DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: plain, ReceiptHandle: aws.String("h")})
	require.NoError(t, err)
	require.EqualValues(t, 1, first.Usage().Requests())
	require.EqualValues(t, 1, second.Usage().Requests())
}

func TestOtherServicesAreCountedOnly(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	client := sts.NewFromConfig(watched(t, &m, &service{answers: []string{`400 {}`}}))
	_, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.Error(t, err)
	require.Equal(t, cost.Usage{Calls: map[cost.Operation]int64{{Service: "STS", Name: "GetCallerIdentity"}: 1}}, m.Usage())
}

// TestConnections: what found no connection is no call; what was written and not
// answered is one.
func TestConnections(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	var answers atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !answers.Load() {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	var opened atomic.Int64
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()

	once := func(o *awssqs.Options) { o.RetryMaxAttempts = 1 }
	cfg := watched(t, &m, server.Client())
	cfg.BaseEndpoint = &gone.URL
	_, err := awssqs.NewFromConfig(cfg).ListQueues(t.Context(), &awssqs.ListQueuesInput{}, once)
	require.Error(t, err)
	require.Equal(t, cost.Usage{}, m.Usage(), "nobody listens")

	cfg.BaseEndpoint = &server.URL
	client := awssqs.NewFromConfig(cfg)
	_, err = client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: plain}, once)
	require.Error(t, err)
	require.EqualValues(t, 1, m.Usage().Requests(), "it may have been carried out")
	require.EqualValues(t, 1, m.Usage().StandardRequests)
	answers.Store(true)
	for range 5 {
		_, err = client.ListQueues(t.Context(), &awssqs.ListQueuesInput{})
		require.NoError(t, err)
	}
	require.EqualValues(t, 6, m.Usage().Requests())
	require.GreaterOrEqual(t, opened.Load(), int64(2), "the first one broke")
	require.Equal(t, opened.Load(), m.Usage().Connections)
}

func TestSQSIsBilledByThePayloadOfACall(t *testing.T) {
	t.Parallel()
	body := func(n int) *string { return aws.String(strings.Repeat("x", n)) }
	attrs := map[string]types.MessageAttributeValue{"name": {DataType: aws.String("String"), StringValue: aws.String("value")}} // 15 bytes
	entry := func(n int) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: aws.String("0"), MessageBody: body(n)}
	}
	for name, c := range map[string]struct {
		answer         string
		call           func(*testing.T, *awssqs.Client) error
		standard, fifo int64
	}{
		"one message of 64 KiB": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: plain, MessageBody: body(64<<10 - 15), MessageAttributes: attrs})
			return err
		}, 1, 0},
		"a byte more": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: ordered, MessageBody: body(64<<10 - 14), MessageAttributes: attrs})
			return err
		}, 0, 2},
		"a batch, by its sum": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{
				QueueUrl: plain, Entries: []types.SendMessageBatchRequestEntry{entry(100), entry(64<<10 - 99)},
			})
			return err
		}, 2, 0},
		"a receive, by what it brings": {
			`200 {"Messages":[{"Body":"` + *body(40 << 10) + `"},{"Body":"` + *body(30 << 10) + `"}]}`,
			func(t *testing.T, c *awssqs.Client) error {
				_, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: ordered}, func(o *awssqs.Options) {
					o.DisableMessageChecksumValidation = true
				})
				return err
			}, 0, 2,
		},
		"a receive that brings nothing": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: plain})
			return err
		}, 1, 0},
		"one that is refused": {"400 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: plain})
			require.Error(t, err)
			return nil
		}, 1, 0},
		"a delete": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{
				QueueUrl: ordered, Entries: []types.DeleteMessageBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: body(100 << 10)}},
			})
			return err
		}, 0, 1},
		"a delete of one": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: ordered, ReceiptHandle: body(9)})
			return err
		}, 0, 1},
		"a lease": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: ordered, ReceiptHandle: body(9), VisibilityTimeout: 9})
			return err
		}, 0, 1},
		"leases": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{
				QueueUrl: ordered, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: body(9)}},
			})
			return err
		}, 0, 1},
		"anything else, at the standard price": {"200 {}", func(t *testing.T, c *awssqs.Client) error {
			_, err := c.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: ordered})
			return err
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m cost.Meter
			require.NoError(t, c.call(t, awssqs.NewFromConfig(watched(t, &m, &service{answers: []string{c.answer}}))))
			require.Equal(t, []int64{1, c.standard, c.fifo}, []int64{m.Usage().Requests(), m.Usage().StandardRequests, m.Usage().FIFORequests})
		})
	}
}

// TestClientsOfBothServicesAtOnce is one for the race detector, too.
func TestClientsOfBothServicesAtOnce(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	var wg sync.WaitGroup
	for range 8 {
		cfg := watched(t, &m, &service{answers: []string{`200 {}`}})
		wg.Go(func() {
			for range 25 {
				_, _ = awssqs.NewFromConfig(cfg).ListQueues(t.Context(), &awssqs.ListQueuesInput{})
				_, _ = awsdynamodb.NewFromConfig(cfg).ListTables(t.Context(), &awsdynamodb.ListTablesInput{})
				_ = m.Usage().Requests()
			}
		})
	}
	wg.Wait()
	got := m.Usage()
	require.Equal(t, cost.Usage{Calls: map[cost.Operation]int64{
		{Service: "SQS", Name: "ListQueues"}: 200, {Service: "DynamoDB", Name: "ListTables"}: 200,
	}, StandardRequests: 200}, got)
	got.Calls[cost.Operation{}] = 1
	require.EqualValues(t, 400, m.Usage().Requests(), "a snapshot is nobody else's")
}
