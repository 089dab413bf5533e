package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ExpiryAttribute is the one that the table's time to live has to be on.
const ExpiryAttribute = "t"

// Expiry returns the attribute that the table's time to live is on; empty: it is
// off, and every record is kept for ever. Errors are as of [Store.Check].
func Expiry(ctx context.Context, client *awsdynamodb.Client, table string) (attribute string, err error) {
	w := &wire{}
	out, err := client.DescribeTimeToLive(ctx, &awsdynamodb.DescribeTimeToLiveInput{TableName: &table}, w.watch)
	if err != nil {
		return "", New(client, table).callFailed(ctx, opExpiry, err, w)
	}
	d := out.TimeToLiveDescription
	if d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return "", nil
	}
	return aws.ToString(d.AttributeName), nil
}
