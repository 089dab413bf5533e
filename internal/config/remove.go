package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// tableGone is how long DynamoDB may take to delete a table.
const tableGone = 2 * time.Minute

// Remove deletes the queues and the table in s, with all that is in them: queues first, so that nothing is pushed whose
// record cannot be. What is not there is no error. SQS may take a minute to forget a queue. ErrRefused or ErrUnavailable.
func Remove(ctx context.Context, s Settings) error {
	cfg, err := AWS(ctx)
	if err != nil {
		return err
	}
	client := awssqs.NewFromConfig(cfg)
	for _, queue := range []string{s.QueueURL, s.DLQURL} {
		if err := removeQueue(ctx, client, queue); err != nil {
			return removeError("queue", queue, err)
		}
	}
	if err := removeTable(ctx, awsdynamodb.NewFromConfig(cfg), s.Table); err != nil {
		return removeError("table", s.Table, err)
	}
	return nil
}

func removeQueue(ctx context.Context, client *awssqs.Client, queue string) error {
	if queue == "" {
		return nil
	}
	if !strings.Contains(queue, "://") {
		found, err := client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: &queue})
		if err != nil {
			return unlessGone[*sqstypes.QueueDoesNotExist](err)
		}
		queue = *found.QueueUrl
	}
	_, err := client.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &queue})
	return unlessGone[*sqstypes.QueueDoesNotExist](err)
}

func removeTable(ctx context.Context, client *awsdynamodb.Client, table string) error {
	if table == "" {
		return nil
	}
	if _, err := client.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &table}); err != nil {
		return unlessGone[*dynamotypes.ResourceNotFoundException](err)
	}
	waiter := awsdynamodb.NewTableNotExistsWaiter(client, func(o *awsdynamodb.TableNotExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, 5*time.Second
	})
	return waiter.Wait(ctx, &awsdynamodb.DescribeTableInput{TableName: &table}, tableGone)
}

// unlessGone takes an error of the type G for success: there is nothing to delete.
func unlessGone[G error](err error) error {
	if _, gone := errors.AsType[G](err); gone {
		return nil
	}
	return err
}

func removeError(what, name string, err error) error {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("delete %s %s: %w: %s: %s", what, name, port.ErrRefused, answer.ErrorCode(), answer.ErrorMessage())
	}
	return fmt.Errorf("delete %s %s: %w: %w", what, name, port.ErrUnavailable, err)
}
