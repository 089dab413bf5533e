// A function that uses SQS and DynamoDB without any library of tasks.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Exit(1)
	}
	queues, table := sqs.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, _ events.SQSEvent) (events.SQSEventResponse, error) {
		if _, err := table.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{}); err != nil {
			return events.SQSEventResponse{}, err
		}
		_, err := queues.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{})
		return events.SQSEventResponse{}, err
	})
}
