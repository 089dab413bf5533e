package localstack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"
)

// Places is a template with what template.yaml has besides its function: the queues and the table, as its outputs.
const Places = `
Resources:
  DeadQueue:
    Type: AWS::SQS::Queue
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadQueue.Arn, maxReceiveCount: 1000}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: B}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
Outputs:
  QueueUrl: {Value: !Ref Queue}
  DeadQueueUrl: {Value: !Ref DeadQueue}
  Table: {Value: !Ref Table}
`

// Stack makes a CloudFormation stack for the test and returns its name.
func Stack(t testing.TB, template string) string {
	t.Helper()

	client := cloudformation.NewFromConfig(Config(t))
	name := strings.ReplaceAll(Name(t), "_", "-") // CloudFormation takes no underscores.
	_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := client.DeleteStack(context.WithoutCancel(t.Context()), &cloudformation.DeleteStackInput{StackName: &name})
		require.NoError(t, err)
	})

	often := func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	}
	err = cloudformation.NewStackCreateCompleteWaiter(client, often).
		Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(name)}, time.Minute)
	require.NoError(t, err)

	return name
}
