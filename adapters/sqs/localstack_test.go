package sqs_test

import (
	"context"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// features are those of this adapter on LocalStack. On AWS KnowsLostLease is
// not sure either, and EnforcesRetention is true but takes a minute to show.
func features() goflowtest.BrokerFeatures {
	return goflowtest.BrokerFeatures{
		LeasesEnd:                true,
		KnowsLostLease:           false, // LocalStack extends by old handles
		KnowsEndedLease:          false, // and ended leases
		EnforcesLeaseOnAck:       false, // and deletes by old handles
		EnforcesMaxReceives:      true,
		DeadLettersKeepSentAt:    true,
		EnforcesRetention:        false, // and never forgets
		PollWaits:                true,
		MaxMessageBytes:          1 << 20,
		MaxDelay:                 15 * time.Minute,
		RefusesEleventhAttribute: true,
		RefusesBadAttributes:     true,
		RefusesBadBodies:         true,
		Ordered:                  true,
		Limiter:                  true,
		Orderer:                  true,
		Sizer:                    true,
		Checker:                  true,
		Granularity:              time.Second,
		Slack:                    3 * time.Second,
	}
}

func TestBroker(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.Config(t))
	goflowtest.TestBroker(t, goflowtest.RealTime, features(), func(t *testing.T, opts goflowtest.BrokerOptions) port.Broker {
		t.Helper()
		return open(t, client, opts)
	})
}

// open makes a queue that only this test uses.
func open(t *testing.T, client *awssqs.Client, opts goflowtest.BrokerOptions) *sqs.Broker {
	t.Helper()
	attrs := map[string]string{}
	if dead, ok := opts.DeadLetter.(*sqs.Broker); ok {
		attrs[string(types.QueueAttributeNameRedrivePolicy)] = `{"deadLetterTargetArn":"` + arn(t, client, dead.QueueURL()) +
			`","maxReceiveCount":"` + strconv.Itoa(opts.MaxReceives) + `"}`
	}
	name := localstack.Name(t)
	if opts.Ordered {
		name += ".fifo"
		attrs[string(types.QueueAttributeNameFifoQueue)] = "true"
	}
	made, err := client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attrs})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &awssqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
		require.NoError(t, err)
	})
	return sqs.New(client, *made.QueueUrl, sqs.Lease(opts.Lease), sqs.PollWait(opts.PollWait))
}

func arn(t *testing.T, client *awssqs.Client, url string) string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	require.NoError(t, err)
	return out.Attributes[string(types.QueueAttributeNameQueueArn)]
}

func TestProvisionMakesBothQueuesAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.Config(t))
	in := sqs.ProvisionInput{Queue: localstack.Name(t), DeadQueue: localstack.Name(t)}
	queueURL, deadURL, err := sqs.Provision(t.Context(), client, in)
	require.NoError(t, err)
	again, deadAgain, err := sqs.Provision(t.Context(), client, in)
	require.NoError(t, err)
	require.Equal(t, []string{queueURL, deadURL}, []string{again, deadAgain})
	for _, name := range []string{in.Queue, queueURL} {
		found, err := sqs.Resolve(t.Context(), client, name)
		require.NoError(t, err)
		require.Equal(t, queueURL, found)
	}
	requireAttributes(t, client, queueURL, map[string]string{
		"MessageRetentionPeriod": "604800", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true",
	})
	requireAttributes(t, client, deadURL, map[string]string{
		"MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true",
	})
	limits, err := sqs.New(client, queueURL).Limits(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1000, limits.MaxReceives)
	require.Equal(t, 7*24*time.Hour, limits.Retention)
	_, _, err = sqs.Provision(t.Context(), client, sqs.ProvisionInput{Queue: "same", DeadQueue: "same"})
	require.ErrorIs(t, err, port.ErrInvalid)
}

func requireAttributes(t *testing.T, client *awssqs.Client, url string, want map[string]string) {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	require.NoError(t, err)
	for name, value := range want {
		require.Equal(t, value, out.Attributes[name], name)
	}
}

// allCalls are the calls of a broker that need its queue.
func allCalls(ctx context.Context, b *sqs.Broker) map[string]error {
	_, receive := b.Receive(ctx, make([]port.Delivery, 1))
	_, limits := b.Limits(ctx)
	_, size := b.Size(ctx)
	return map[string]error{
		"Send":    port.ItemError(b.Send(ctx, messages(1)), 0),
		"Extend":  port.ItemError(b.Extend(ctx, leases(1, time.Second)), 0),
		"Ack":     port.ItemError(b.Ack(ctx, deliveries(1)), 0),
		"Receive": receive, "Limits": limits, "Size": size, "Check": b.Check(ctx),
	}
}

func TestMissingQueueIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.Config(t))
	url := localstack.Config(t).BaseEndpoint
	for name, err := range allCalls(t.Context(), sqs.New(client, *url+"/000000000000/no-such-queue")) {
		requireClass(t, err, port.ErrRefused, name)
		require.ErrorContains(t, err, "no-such-queue: refused: ", name)
		require.ErrorContains(t, err, "create it with goflow provision", name)
	}
	_, err := sqs.Resolve(t.Context(), client, "no-such-queue")
	requireClass(t, err, port.ErrRefused, "Resolve")
}

func TestUnreachableEndpointIsUnavailableInOneLine(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &closed.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for name, err := range allCalls(t.Context(), sqs.New(client, closed.URL+"/000000000000/tasks")) {
		requireClass(t, err, port.ErrUnavailable, name)
		require.ErrorContains(t, err, "no answer from "+closed.URL+": connection refused", name)
	}
}
