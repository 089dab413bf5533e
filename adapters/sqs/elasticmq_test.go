package sqs_test

import (
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	featuretable "github.com/jamesTait-jt/goflow/internal/features"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// onElasticMQ are the features of this adapter on ElasticMQ, which knows whose
// a lease is where LocalStack does not.
func onElasticMQ() goflowtest.BrokerFeatures {
	f := features()
	f.KnowsLostLease = true
	f.KnowsEndedLease = false // as long as nobody else has the message
	f.EnforcesLeaseOnAck = true
	f.EnforcesRetention = false // it knows none
	return f
}

func TestBrokerOnElasticMQ(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.ElasticMQ(t))
	goflowtest.TestBroker(t, goflowtest.RealTime, onElasticMQ(), func(t *testing.T, opts goflowtest.BrokerOptions) port.Broker {
		t.Helper()
		return open(t, client, opts)
	})
}

func TestFeaturesOnElasticMQStandInArchitecture(t *testing.T) {
	t.Parallel()
	featuretable.Check(t, "SQS on ElasticMQ", onElasticMQ().Rows())
}

// TestLimitsAreTheServersToo asks a server that has limits of its own, past the
// adapter: what the adapter refuses unasked, that refuses too, and it takes
// what the adapter just takes.
func TestLimitsAreTheServersToo(t *testing.T) {
	t.Parallel()
	client := awssqs.NewFromConfig(localstack.ElasticMQ(t))
	b := open(t, client, goflowtest.BrokerOptions{Lease: sqs.MaxLease, PollWait: sqs.MaxPollWait})
	url := b.QueueURL()
	send := func(bytes int, delay int32) error {
		body := strings.Repeat("x", bytes)
		_, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, DelaySeconds: delay})
		return err
	}
	extend := func(handle string, lease int32) error {
		_, err := client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: &handle, VisibilityTimeout: lease,
		})
		return err
	}
	delay, lease := int32(sqs.MaxDelay.Seconds()), int32(sqs.MaxLease.Seconds())
	require.Error(t, send(1, delay+1))
	require.NoError(t, send(1, delay))
	require.Error(t, send(sqs.MaxBytes+1, 0))
	require.NoError(t, send(sqs.MaxBytes, 0))

	into := make([]port.Delivery, 1)
	n, err := b.Receive(t.Context(), into)
	require.NoError(t, err, "the longest lease and poll wait are taken")
	require.Equal(t, 1, n)
	handle, ok := into[0].Handle.(string)
	require.True(t, ok)
	require.NoError(t, extend(handle, lease)) // it takes longer ones, too
}
