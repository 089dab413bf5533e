package cost_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// local is a table on DynamoDB Local, which reports what it consumes.
func local(t *testing.T, m *cost.Meter) (*awsdynamodb.Client, *string) {
	t.Helper()
	cfg := localstack.DynamoDBLocal(t)
	m.Watch(&cfg)
	client, table := awsdynamodb.NewFromConfig(cfg), aws.String(localstack.Name(t))
	_, err := client.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeB}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &awsdynamodb.DeleteTableInput{TableName: table})
		require.NoError(t, err)
	})
	return client, table
}

// padded is an item with a value, of exactly this size.
func padded(t *testing.T, v types.AttributeValue, size int) item {
	t.Helper()
	made := item{"id": binary(16), "v": v}
	made["pad"] = binary(size - cost.ItemSize(made) - len("pad"))
	require.Equal(t, size, cost.ItemSize(made))
	return made
}

// TestSizesAreDynamoDBs: at 1,024 bytes by our count it charges one unit, at 1,025
// two, whatever the item is made of.
func TestSizesAreDynamoDBs(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	client, table := local(t, &m)
	for _, v := range values {
		for size, want := range map[int]float64{1024: 1, 1025: 2} {
			before := m.Usage()
			_, err := client.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{TableName: table, Key: item{"id": binary(16)}})
			require.NoError(t, err)
			out, err := client.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: padded(t, v.value, size)})
			require.NoError(t, err)
			require.NotNil(t, out.ConsumedCapacity)
			require.InDelta(t, want, *out.ConsumedCapacity.CapacityUnits, 0, "%#v at %d bytes", v.value, size)
			require.GreaterOrEqual(t, m.Usage().Sub(before).WriteUnits, 1+want, "the delete is charged, too")
		}
	}
}

// TestUnitsAreDynamoDBs compares what it reports with what we would compute.
func TestUnitsAreDynamoDBs(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	client, table := local(t, &m)
	key := item{"id": binary(16)}
	for _, size := range []int{100, 1024, 1025, 4096, 4097, 9000} {
		stored := padded(t, text("x"), size)
		_, err := client.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: stored})
		require.NoError(t, err)
		for _, strong := range []bool{true, false} {
			out, err := client.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: &strong})
			require.NoError(t, err)
			require.InDelta(t, cost.ReadUnits(size, strong), *out.ConsumedCapacity.CapacityUnits, 0, "read of %d bytes", size)
		}
		out, err := client.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
			TableName: table, Key: key, UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: item{":v": text("y")},
		})
		require.NoError(t, err)
		require.InDelta(t, cost.WriteUnits(size), *out.ConsumedCapacity.CapacityUnits, 0, "update of one attribute of %d bytes", size)
	}
	out, err := client.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: table, Key: item{"id": binary(15)}})
	require.NoError(t, err)
	require.InDelta(t, cost.ReadUnits(0, false), *out.ConsumedCapacity.CapacityUnits, 0, "what is not there")
}

// TestStatementsAreNotReported: should DynamoDB Local ever report them, the
// computed figures can be compared.
func TestStatementsAreNotReported(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	client, table := local(t, &m)
	before := m.Usage()
	out, err := client.BatchExecuteStatement(t.Context(), &awsdynamodb.BatchExecuteStatementInput{
		Statements: []types.BatchStatementRequest{{
			Statement: aws.String(`INSERT INTO "` + *table + `" VALUE {'id': ?, 'r': ?}`), Parameters: []types.AttributeValue{binary(16), binary(1 << 10)},
		}},
	})
	require.NoError(t, err)
	require.Empty(t, out.ConsumedCapacity)
	require.InDelta(t, 2, m.Usage().Sub(before).WriteUnits, 0)
}
