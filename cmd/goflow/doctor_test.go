package main

import (
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// breakPlaces sets queue and table up as one should not: the queue's redrive has a
// low maxReceiveCount, the dead letters are kept for a day, and records for ever.
func breakPlaces(t *testing.T, s config.Settings) {
	t.Helper()
	cfg := localstack.Config(t)
	client := awssqs.NewFromConfig(cfg)
	set := func(queue, attribute, value string) {
		_, err := client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{
			QueueUrl: &queue, Attributes: map[string]string{attribute: value},
		})
		require.NoError(t, err)
	}
	set(s.QueueURL, "RedrivePolicy", `{"deadLetterTargetArn":"`+arn(t, client, s.DLQURL)+`","maxReceiveCount":"5"}`)
	set(s.DLQURL, "MessageRetentionPeriod", "86400")
	_, err := awsdynamodb.NewFromConfig(cfg).UpdateTimeToLive(t.Context(), &awsdynamodb.UpdateTimeToLiveInput{
		TableName:               &s.Table,
		TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: new("t"), Enabled: new(false)},
	})
	require.NoError(t, err)
}

func arn(t *testing.T, client *awssqs.Client, queueURL string) string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	require.NoError(t, err)
	return out.Attributes["QueueArn"]
}
