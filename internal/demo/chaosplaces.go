package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// chaosPlaces makes queues and a table of the demo's own. The queues are plain
// ones, since ElasticMQ knows neither retention nor encryption.
func chaosPlaces(ctx context.Context) (s config.Settings, err error) {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return s, err
	}
	suffix := "-chaos-" + strings.ToLower(rand.Text()[:8])
	queues := awssqs.NewFromConfig(cfg)
	if s.DLQURL, err = makeQueue(ctx, queues, goflow.DefaultDeadQueue+suffix, nil); err != nil {
		return s, err
	}
	const arn = types.QueueAttributeNameQueueArn
	dead, err := queues.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &s.DLQURL, AttributeNames: []types.QueueAttributeName{arn},
	})
	if err != nil {
		return s, fmt.Errorf("read the ARN of %s: %w", s.DLQURL, err)
	}
	redrive := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"1000"}`, dead.Attributes[string(arn)])
	attributes := map[string]string{string(types.QueueAttributeNameRedrivePolicy): redrive}
	if s.QueueURL, err = makeQueue(ctx, queues, goflow.DefaultQueue+suffix, attributes); err != nil {
		return s, err
	}
	s.Table = goflow.DefaultTable + suffix
	s.Lease, s.PollWait = chaosLease, pollWait
	return s, dynamo.Provision(ctx, awsdynamodb.NewFromConfig(cfg), s.Table)
}

func makeQueue(ctx context.Context, queues *awssqs.Client, name string, attributes map[string]string) (string, error) {
	made, err := queues.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", fmt.Errorf("make queue %s: %w", name, err)
	}
	return *made.QueueUrl, nil
}
