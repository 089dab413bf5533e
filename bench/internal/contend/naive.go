package contend

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// naive is what one writes first with the SDK: a row that says pending, a message,
// a loop in each goroutine that receives one with a long poll, runs it, updates the
// row, deletes the message, and reads of the row until it says done. One call a step.
type naive struct {
	sqs      *awssqs.Client
	dynamodb *awsdynamodb.Client
	queue    string
	settings Settings
}

type naiveTask struct {
	ID      string `json:"id"`
	Payload string `json:"payload"`
}

type row = map[string]types.AttributeValue

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func newNaive(ctx context.Context, s Settings) (Queue, error) {
	cfg, err := Configuration(ctx)
	if err != nil {
		return nil, err
	}
	n := &naive{sqs: awssqs.NewFromConfig(cfg), dynamodb: awsdynamodb.NewFromConfig(cfg), settings: s}
	made, err := n.sqs.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &s.Name})
	if err != nil {
		return nil, err
	}
	n.queue = aws.ToString(made.QueueUrl)
	_, err = n.dynamodb.CreateTable(ctx, &awsdynamodb.CreateTableInput{
		TableName:            &s.Name,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
	})
	return n, err
}

func (n *naive) Work(ctx context.Context) error {
	for range n.settings.Handlers {
		go n.loop(ctx)
	}
	return nil
}

func (n *naive) loop(ctx context.Context) {
	for ctx.Err() == nil {
		got, err := n.sqs.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &n.queue, WaitTimeSeconds: 20})
		if err != nil {
			continue
		}
		for _, m := range got.Messages {
			_ = n.run(ctx, m) // it comes again
		}
	}
}

func (n *naive) run(ctx context.Context, m sqstypes.Message) error {
	var t naiveTask
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &t); err != nil {
		return err
	}
	_, err := n.dynamodb.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &n.settings.Name, Key: row{"id": text(t.ID)},
		UpdateExpression:          new("SET #state = :done, #result = :result"),
		ExpressionAttributeNames:  map[string]string{"#state": "state", "#result": "result"},
		ExpressionAttributeValues: row{":done": text("done"), ":result": text(reply)},
	})
	if err != nil {
		return err
	}
	_, err = n.sqs.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &n.queue, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (n *naive) Push(ctx context.Context, payload string) (string, error) {
	t := naiveTask{ID: rand.Text(), Payload: payload}
	body, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	pending := row{"id": text(t.ID), "state": text("pending")}
	if _, err := n.dynamodb.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &n.settings.Name, Item: pending}); err != nil {
		return "", err
	}
	_, err = n.sqs.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &n.queue, MessageBody: new(string(body))})
	return t.ID, err
}

func (n *naive) Await(ctx context.Context, ids []string) error {
	return each(readers, ids, func(id string) error {
		return poll(ctx, func() (bool, error) { return n.look(ctx, id) })
	})
}

func (n *naive) look(ctx context.Context, id string) (bool, error) {
	got, err := n.dynamodb.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &n.settings.Name, Key: row{"id": text(id)}})
	if err != nil {
		return false, err
	}
	result, ok := got.Item["result"].(*types.AttributeValueMemberS)
	if !ok {
		return false, nil
	}
	return true, check(result.Value)
}
