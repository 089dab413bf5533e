package sqs_test

import (
	"context"
	"strconv"
	"testing"
	"time"

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
		KnowsLostLease:           false, // LocalStack extends ended leases
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
		Limiter:                  true,
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
