package wire_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// body has what JSON has to escape, and what it must not.
const body = "{\"v\":1,\"t\":\"<&>\\u2028 \u2028 é 😀 \\\"\"}\n"

func sumOf(s string) *string {
	sum := md5.Sum([]byte(s))
	return new(hex.EncodeToString(sum[:]))
}

// both sends an input through a client and says what the service got and what
// came back.
func both[In, Out, Options any](
	t *testing.T, w *world, method func(context.Context, *In, ...func(*Options)) (*Out, error), in *In,
) (got *In, back *Out) {
	t.Helper()
	back, err := method(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 1, w.calls())
	got, ok := w.got[0].(*In)
	require.True(t, ok)
	w.got = nil
	return got, back
}

func TestSQSIsUnderstoodBothWays(t *testing.T) {
	t.Parallel()
	text := map[string]sqstypes.MessageAttributeValue{
		"goflow-dead": {DataType: str("String"), StringValue: str(body)},
		"binary":      {DataType: str("Binary"), BinaryValue: []byte{0, 255}},
	}
	url := str("http://sqs.simulation/000000000000/tasks")
	failed := []sqstypes.BatchResultErrorEntry{{Id: str("1"), Code: str("InternalError"), Message: str("why"), SenderFault: true}}
	in(t, nil, func(t *testing.T, w *world) {
		send := &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: []sqstypes.SendMessageBatchRequestEntry{
			{
				Id: str("0"), MessageBody: str(body), DelaySeconds: 900, MessageAttributes: text,
				MessageGroupId: str("group"), MessageDeduplicationId: str(id),
			},
			{Id: str("1"), MessageBody: str("plain")},
		}}
		w.give["SendMessageBatch"] = &awssqs.SendMessageBatchOutput{
			Successful: []sqstypes.SendMessageBatchResultEntry{{Id: str("0"), MessageId: str("m"), SequenceNumber: str("1")}},
			Failed:     failed,
		}
		got, sent := both(t, w, w.queues.SendMessageBatch, send)
		require.Equal(t, send, got)
		require.Equal(t, failed, sent.Failed)
		require.Equal(t, []sqstypes.SendMessageBatchResultEntry{
			{Id: str("0"), MessageId: str("m"), SequenceNumber: str("1"), MD5OfMessageBody: sumOf(body)},
		}, sent.Successful)

		receive := &awssqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 60, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameSentTimestamp},
		}
		message := sqstypes.Message{
			MessageId: str("m"), Body: str(body), ReceiptHandle: str("handle"), MessageAttributes: text,
			Attributes: map[string]string{"SentTimestamp": "946684800000", "ApproximateReceiveCount": "2"},
		}
		w.give["ReceiveMessage"] = &awssqs.ReceiveMessageOutput{Messages: []sqstypes.Message{message}}
		polled, received := both(t, w, w.queues.ReceiveMessage, receive)
		require.Equal(t, receive, polled)
		message.MD5OfBody = sumOf(body)
		require.Equal(t, []sqstypes.Message{message}, received.Messages)

		change := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{
			{Id: str("0"), ReceiptHandle: str("handle"), VisibilityTimeout: 43200}, {Id: str("1"), ReceiptHandle: str("other")},
		}}
		w.give["ChangeMessageVisibilityBatch"] = &awssqs.ChangeMessageVisibilityBatchOutput{
			Successful: []sqstypes.ChangeMessageVisibilityBatchResultEntry{{Id: str("0")}}, Failed: failed,
		}
		changed, extended := both(t, w, w.queues.ChangeMessageVisibilityBatch, change)
		require.Equal(t, change, changed)
		require.Equal(t, failed, extended.Failed)
		require.Equal(t, "0", *extended.Successful[0].Id)

		remove := &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []sqstypes.DeleteMessageBatchRequestEntry{
			{Id: str("0"), ReceiptHandle: str("handle")}, {Id: str("1"), ReceiptHandle: str("other")},
		}}
		w.give["DeleteMessageBatch"] = &awssqs.DeleteMessageBatchOutput{
			Successful: []sqstypes.DeleteMessageBatchResultEntry{{Id: str("0")}}, Failed: failed,
		}
		removed, deleted := both(t, w, w.queues.DeleteMessageBatch, remove)
		require.Equal(t, remove, removed)
		require.Equal(t, failed, deleted.Failed)
		require.Equal(t, "0", *deleted.Successful[0].Id)

		ask := &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []sqstypes.QueueAttributeName{"All"}}
		w.give["GetQueueAttributes"] = &awssqs.GetQueueAttributesOutput{Attributes: map[string]string{"FifoQueue": "true"}}
		asked, read := both(t, w, w.queues.GetQueueAttributes, ask)
		require.Equal(t, ask, asked)
		require.Equal(t, map[string]string{"FifoQueue": "true"}, read.Attributes)
	})
}

// values are one of each type that DynamoDB has.
func values() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"b": &types.AttributeValueMemberB{Value: []byte{0, 1, 254, 255}}, "empty": &types.AttributeValueMemberB{Value: []byte{}},
		"s": &types.AttributeValueMemberS{Value: body}, "nothing": &types.AttributeValueMemberS{},
		"n": &types.AttributeValueMemberN{Value: "18446744073709551615"}, "zero": &types.AttributeValueMemberN{Value: "0"},
		"bool": &types.AttributeValueMemberBOOL{Value: true}, "no": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}}, "ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
		"ns": &types.AttributeValueMemberNS{Value: []string{"1", "-2.5"}},
		"l":  &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: "1"}}},
		"m":  &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "v"}}},
	}
}

func TestDynamoDBIsUnderstoodBothWays(t *testing.T) {
	t.Parallel()
	var parameters []types.AttributeValue
	for _, v := range values() {
		parameters = append(parameters, v)
	}
	in(t, nil, func(t *testing.T, w *world) {
		write := &awsdynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{
			{
				Statement: str(`INSERT INTO "tasks" VALUE {'id': ?}`), Parameters: parameters,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			},
			{Statement: str("UPDATE"), ConsistentRead: new(true)},
		}}
		responses := []types.BatchStatementResponse{
			{Item: values(), TableName: str("tasks")},
			{},
			{Error: &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumConditionalCheckFailed, Item: values(), Message: str("why")}},
		}
		w.give["BatchExecuteStatement"] = &awsdynamodb.BatchExecuteStatementOutput{Responses: responses}
		got, written := both(t, w, w.tables.BatchExecuteStatement, write)
		require.Equal(t, write, got)
		require.Equal(t, responses, written.Responses)

		keys := map[string]types.KeysAndAttributes{"tasks": {
			ConsistentRead: new(true), ProjectionExpression: str("#s"), ExpressionAttributeNames: map[string]string{"#s": "s"},
			Keys: []map[string]types.AttributeValue{{"id": values()["b"]}, {"id": values()["s"]}},
		}}
		read := &awsdynamodb.BatchGetItemInput{RequestItems: keys, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
		w.give["BatchGetItem"] = &awsdynamodb.BatchGetItemOutput{
			Responses: map[string][]map[string]types.AttributeValue{"tasks": {values()}}, UnprocessedKeys: keys,
		}
		asked, rows := both(t, w, w.tables.BatchGetItem, read)
		require.Equal(t, read, asked)
		require.Equal(t, map[string][]map[string]types.AttributeValue{"tasks": {values()}}, rows.Responses)
		require.Equal(t, keys, rows.UnprocessedKeys)

		description := &types.TableDescription{
			TableStatus: types.TableStatusActive, KeySchema: []types.KeySchemaElement{{AttributeName: str("id"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("id"), AttributeType: types.ScalarAttributeTypeB}},
		}
		look := &awsdynamodb.DescribeTableInput{TableName: str("tasks")}
		w.give["DescribeTable"] = &awsdynamodb.DescribeTableOutput{Table: description}
		looked, seen := both(t, w, w.tables.DescribeTable, look)
		require.Equal(t, look, looked)
		require.Equal(t, description, seen.Table)
		require.NoError(t, w.store.Check(t.Context()))
		require.NotEqual(t, middleware.Metadata{}, seen.ResultMetadata, "the client's own")
	})
}
