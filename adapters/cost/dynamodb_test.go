package cost_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// kib is an item of that many KiB as DynamoDB answers it.
func kib(n int) string {
	return fmt.Sprintf(`{"r":{"B":%q}}`, base64.StdEncoding.EncodeToString(make([]byte, n<<10-1)))
}

func TestDynamoDBsOwnFigureIsUsed(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	s := &service{answers: []string{`200 {"ConsumedCapacity":{"TableName":"t","CapacityUnits":7}}`}}
	client := awsdynamodb.NewFromConfig(watched(t, &m, s))
	in := &awsdynamodb.PutItemInput{TableName: aws.String("t"), Item: item{"id": text("a")}}
	_, err := client.PutItem(t.Context(), in)
	require.NoError(t, err)
	require.InDelta(t, 7, m.Usage().WriteUnits, 0)
	require.Contains(t, s.bodies[0], `"ReturnConsumedCapacity":"TOTAL"`)
	require.Empty(t, in.ReturnConsumedCapacity, "the caller's own input")

	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	_, err = client.PutItem(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, s.bodies[1], `"ReturnConsumedCapacity":"INDEXES"`)
}

// TestUnitsAreComputedWhereNoneAreReported: each call, and what it is charged when
// the answer says nothing of it.
func TestUnitsAreComputedWhereNoneAreReported(t *testing.T) {
	t.Parallel()
	table := aws.String("t")
	key := item{"id": binary(16)}
	for name, c := range map[string]struct {
		answer      string
		call        func(*testing.T, *awsdynamodb.Client) error
		write, read float64
	}{
		"put, the new item": {"200 {}", func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: item{"id": binary(16), "r": binary(2 << 10)}})
			return err
		}, 3, 0},
		"put, the old item": {`200 {"Attributes":` + kib(5) + `}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: key, ReturnValues: types.ReturnValueAllOld})
			return err
		}, 5, 0},
		"update, what it mentions": {"200 {}", func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{TableName: table, Key: key, ExpressionAttributeValues: item{":r": binary(1 << 10)}})
			return err
		}, 2, 0},
		"update, of nothing": {"200 {}", func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{TableName: table, Key: key})
			return err
		}, 1, 0},
		"delete": {`200 {"Attributes":` + kib(2) + `}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{TableName: table, Key: key})
			return err
		}, 2, 0},
		"a condition that fails, the old item": {
			`400 {"__type":"x#ConditionalCheckFailedException","Item":` + kib(3) + `}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				_, err := c.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{TableName: table, Key: key})
				require.Error(t, err)
				return nil
			}, 3, 0,
		},
		"a condition that fails, the new item": {
			`400 {"__type":"x#ConditionalCheckFailedException"}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				_, err := c.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: item{"id": binary(16), "r": binary(2 << 10)}})
				require.Error(t, err)
				return nil
			}, 3, 0,
		},
		"a condition that fails, of an update": {
			`400 {"__type":"x#ConditionalCheckFailedException"}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				_, err := c.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{TableName: table, Key: key, ExpressionAttributeValues: item{":r": binary(1 << 10)}})
				require.Error(t, err)
				return nil
			}, 2, 0,
		},
		"a condition that fails, of a single statement": {
			`400 {"__type":"x#ConditionalCheckFailedException"}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				_, err := c.ExecuteStatement(t.Context(), &awsdynamodb.ExecuteStatementInput{Statement: aws.String("UPDATE t")})
				require.Error(t, err)
				return nil
			}, 0, 0,
		},
		"another refusal": {`400 {"__type":"x#ValidationException"}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: key})
			require.Error(t, err)
			return nil
		}, 0, 0},
		"get": {`200 {"Item":` + kib(5) + `}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: aws.Bool(true)})
			return err
		}, 0, 2},
		"get of nothing": {`200 {}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: table, Key: key})
			return err
		}, 0, 0.5},
		"get many: one found, one missing, one left": {
			`200 {"Responses":{"t":[` + kib(9) + `]},"UnprocessedKeys":{"t":{"Keys":[{"id":{"S":"a"}}]}},"ConsumedCapacity":[{"CapacityUnits":1.5}]}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				_, err := c.BatchGetItem(t.Context(), &awsdynamodb.BatchGetItemInput{
					RequestItems: map[string]types.KeysAndAttributes{"t": {Keys: []item{{"id": text("a")}, {"id": text("b")}, {"id": text("c")}}}},
				})
				return err
			}, 0, 2,
		},
		"write many: two put, one deleted, one left": {
			`200 {"UnprocessedItems":{"t":[{"PutRequest":{"Item":` + kib(2) + `}}]}}`,
			func(t *testing.T, c *awsdynamodb.Client) error {
				put := func(n int) types.WriteRequest {
					return types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"r": binary(n<<10 - 1)}}}
				}
				_, err := c.BatchWriteItem(t.Context(), &awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
					"t": {put(1), put(3), put(2), {DeleteRequest: &types.DeleteRequest{Key: key}}},
				}})
				return err
			}, 5, 0,
		},
		"anything else": {`200 {}`, func(t *testing.T, c *awsdynamodb.Client) error {
			_, err := c.DescribeTable(t.Context(), &awsdynamodb.DescribeTableInput{TableName: table})
			return err
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m cost.Meter
			require.NoError(t, c.call(t, awsdynamodb.NewFromConfig(watched(t, &m, &service{answers: []string{c.answer}}))))
			requireUnits(t, &m, c.write, c.read)
		})
	}
}

func requireUnits(t *testing.T, m *cost.Meter, write, read float64) {
	t.Helper()
	got := m.Usage()
	require.EqualValues(t, 1, got.Requests())
	require.InDelta(t, write, got.WriteUnits, 0)
	require.InDelta(t, read, got.ReadUnits, 0)
}

// TestStatements: what each of a batch is charged, by itself.
func TestStatements(t *testing.T) {
	t.Parallel()
	sized := func(n int) types.AttributeValue { return binary(n<<10 - len("id") - 16 - len("r")) } // of an item with its key
	for name, c := range map[string]struct {
		statement   string
		params      []types.AttributeValue
		answer      string
		write, read float64
	}{
		"insert":              {`INSERT INTO "t" VALUE {'id': ?, 'r': ?}`, []types.AttributeValue{binary(16), sized(2)}, `{}`, 2, 0},
		"insert, a byte more": {`INSERT INTO "t" VALUE {'id': ?, 'rr': ?}`, []types.AttributeValue{binary(16), sized(2)}, `{}`, 3, 0},
		"insert of what is there": {
			`INSERT INTO "t" VALUE {'id': ?, 'r': ?}`, []types.AttributeValue{binary(16), sized(2)}, `{"Error":{"Code":"DuplicateItem"}}`, 2, 0,
		},
		"insert that is throttled": {
			`INSERT INTO "t" VALUE {'id': ?, 'r': ?}`, []types.AttributeValue{binary(16), sized(2)}, `{"Error":{"Code":"ThrottlingError"}}`, 0, 0,
		},
		"update": {
			`UPDATE "t" SET r = ? REMOVE w SET s = ? WHERE id = ? AND e = ? AND (a < ? OR a = ?)`,
			[]types.AttributeValue{sized(2), &types.AttributeValueMemberS{}, binary(16), binary(9 << 10), binary(1), binary(1)},
			`{}`, 3, 0,
		},
		"update, exactly": {`UPDATE "t" SET r = ? WHERE id = ?`, []types.AttributeValue{sized(2), binary(16)}, `{}`, 2, 0},
		"update that returns": {
			`UPDATE "t" SET r = ? WHERE id = ? RETURNING ALL NEW *`, []types.AttributeValue{sized(2), binary(16)}, `{"Item":` + kib(6) + `}`, 6, 0,
		},
		"update that fails": {
			`UPDATE "t" SET r = ? WHERE id = ? AND s = ?`,
			[]types.AttributeValue{sized(9), binary(16), number("1")},
			`{"Error":{"Code":"ConditionalCheckFailed","Item":` + kib(4) + `}}`, 9, 0,
		},
		"update of a larger one that fails": {
			`UPDATE "t" SET r = ? WHERE id = ? AND s = ?`,
			[]types.AttributeValue{sized(2), binary(16), number("1")},
			`{"Error":{"Code":"ConditionalCheckFailed","Item":` + kib(4) + `}}`, 4, 0,
		},
		"delete":            {`DELETE FROM "t" WHERE id = ?`, []types.AttributeValue{binary(16)}, `{}`, 1, 0},
		"select":            {`SELECT * FROM "t" WHERE id = ?`, []types.AttributeValue{binary(16)}, `{"Item":` + kib(5) + `}`, 0, 1},
		"select of nothing": {`select * FROM "t" WHERE id = ?`, []types.AttributeValue{binary(16)}, `{}`, 0, 0.5},
		"select that fails": {`SELECT * FROM "t" WHERE id = ?`, []types.AttributeValue{binary(16)}, `{"Error":{"Code":"AccessDenied"}}`, 0, 0},
		"literals":          {`INSERT INTO "t" VALUE {'id': 1}`, nil, `{}`, 1, 0},
		"too few of them":   {`DELETE FROM "t"`, []types.AttributeValue{sized(9)}, `{}`, 1, 0},
		"nonsense":          {`?`, []types.AttributeValue{binary(4)}, `{}`, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m cost.Meter
			client := awsdynamodb.NewFromConfig(watched(t, &m, &service{answers: []string{`200 {"Responses":[` + c.answer + `]}`}}))
			_, err := client.BatchExecuteStatement(t.Context(), &awsdynamodb.BatchExecuteStatementInput{
				Statements: []types.BatchStatementRequest{{Statement: &c.statement, Parameters: c.params}},
			})
			require.NoError(t, err)
			requireUnits(t, &m, c.write, c.read)
		})
	}
}

func TestBatchOfStatementsIsTheirSum(t *testing.T) {
	t.Parallel()
	batch := &awsdynamodb.BatchExecuteStatementInput{}
	for n := range 25 {
		batch.Statements = append(batch.Statements, types.BatchStatementRequest{
			Statement: aws.String(`INSERT INTO "t" VALUE {'id': ?, 'r': ?}`), Parameters: []types.AttributeValue{binary(16), binary(n << 10)},
		})
	}
	for answer, want := range map[string]float64{
		`200 {"Responses":[` + strings.Repeat(`{},`, 24) + `{}]}`: 25 * 26 / 2,
		`200 {}`: 25 * 26 / 2,
		`200 {"ConsumedCapacity":[{"CapacityUnits":40.0},{"CapacityUnits":2.0}]}`: 42,
	} {
		var m cost.Meter
		_, err := awsdynamodb.NewFromConfig(watched(t, &m, &service{answers: []string{answer}})).BatchExecuteStatement(t.Context(), batch)
		require.NoError(t, err)
		requireUnits(t, &m, want, 0)
	}
}
