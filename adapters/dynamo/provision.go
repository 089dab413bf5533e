package dynamo

import (
	"context"
	"errors"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// How long Provision waits for a table, and how often it looks.
const (
	tableWait     = 2 * time.Minute
	firstTableGap = 200 * time.Millisecond
	maxTableGap   = 5 * time.Second
)

// Provision makes the table with on-demand capacity and time to live on t, or
// turns that on in one that exists, and waits until it is active, for two
// minutes at most. It is meant for development, and may be called again. Errors
// are as of [Store.Check].
func Provision(ctx context.Context, client *awsdynamodb.Client, table string) error {
	s := New(client, table)
	w := &wire{}
	_, err := client.CreateTable(ctx, &awsdynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeB}},
	}, w.watch)
	if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
		return s.callFailed(ctx, opProvision, err, w)
	}
	waiter := awsdynamodb.NewTableExistsWaiter(client, func(o *awsdynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = firstTableGap, maxTableGap
	})
	if err := waiter.Wait(ctx, &awsdynamodb.DescribeTableInput{TableName: &table}, tableWait); err != nil {
		return s.callFailed(ctx, opProvision, err, w)
	}
	if err := s.Check(ctx); err != nil {
		return err
	}
	if err := expireRows(ctx, client, table); err != nil {
		return s.callFailed(ctx, opProvision, err, w)
	}
	return nil
}

// expireRows turns time to live on, where it is off: DynamoDB takes a second
// time for an error.
func expireRows(ctx context.Context, client *awsdynamodb.Client, table string) error {
	out, err := client.DescribeTimeToLive(ctx, &awsdynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		return err
	}
	if d := out.TimeToLiveDescription; d != nil &&
		(d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return nil
	}
	_, err = client.UpdateTimeToLive(ctx, &awsdynamodb.UpdateTimeToLiveInput{
		TableName:               &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: new("t"), Enabled: new(true)},
	})
	return err
}
