package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tables "github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	queues "github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// service is what is particular to SQS or DynamoDB.
type service struct {
	namespace   string // of its errors
	throttle    string // its error when asked too often
	queryErrors bool   // it tells the older names of errors
	checksums   bool   // it tells the CRC of its answers
	types       *smithy.TypeRegistry
	protocol    *awsjson.Protocol
	output      *smithy.OperationSchema // of any operation: the protocol wants one
	operations  map[string]operation
}

// operation decodes a request and calls a method of an API.
type operation func(ctx context.Context, body []byte) (smithy.Serializable, error)

func queueService(api sqs.API) *service {
	api = summed{api}
	return &service{
		namespace: "com.amazonaws.sqs", throttle: "RequestThrottled", queryErrors: true,
		types: awssqs.TypeRegistry, protocol: awsjson.New10(queues.AmazonSQS),
		output: smithy.NewOperationSchema(queues.SendMessageBatch, queues.SendMessageBatchResult, queues.SendMessageBatchResult),
		operations: map[string]operation{
			"SendMessageBatch":             call(strict[awssqs.SendMessageBatchInput], api.SendMessageBatch),
			"ReceiveMessage":               call(strict[awssqs.ReceiveMessageInput], api.ReceiveMessage),
			"ChangeMessageVisibilityBatch": call(strict[awssqs.ChangeMessageVisibilityBatchInput], api.ChangeMessageVisibilityBatch),
			"DeleteMessageBatch":           call(strict[awssqs.DeleteMessageBatchInput], api.DeleteMessageBatch),
			"GetQueueAttributes":           call(strict[awssqs.GetQueueAttributesInput], api.GetQueueAttributes),
		},
	}
}

func tableService(api dynamo.API) *service {
	return &service{
		namespace: "com.amazonaws.dynamodb.v20120810", throttle: "ThrottlingException", checksums: true,
		types: awsdynamodb.TypeRegistry, protocol: awsjson.New10(tables.DynamoDB_20120810),
		output: smithy.NewOperationSchema(tables.BatchGetItem, tables.BatchGetItemOutput, tables.BatchGetItemOutput),
		operations: map[string]operation{
			"BatchExecuteStatement": call(statements, api.BatchExecuteStatement),
			"BatchGetItem":          call(keys, api.BatchGetItem),
			"DescribeTable":         call(strict[awsdynamodb.DescribeTableInput], api.DescribeTable),
		},
	}
}

func call[In, Options any, Out smithy.Serializable](
	decode func([]byte) (*In, error), method func(context.Context, *In, ...func(*Options)) (Out, error),
) operation {
	return func(ctx context.Context, body []byte) (smithy.Serializable, error) {
		in, err := decode(body)
		if _, ok := errors.AsType[smithy.APIError](err); err != nil && !ok {
			err = &smithy.GenericAPIError{Code: "SerializationException", Message: err.Error()}
		}
		if err != nil {
			return nil, err
		}
		return method(ctx, in)
	}
}

// strict decodes JSON whose names are those of T's fields, as is the case for the
// SDK's inputs. A name that T does not have is an error, so that nothing which a
// client says gets lost here.
func strict[T any](body []byte) (*T, error) {
	in := new(T)
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return in, d.Decode(in)
}

// answer is what the service says to a request.
func (s *service) answer(ctx context.Context, r *request, now func() time.Time) (*answer, error) {
	out, err := s.carryOut(ctx, r, now())
	if err == nil {
		var body []byte
		if body, err = s.encode(ctx, out); err == nil {
			return s.json(http.StatusOK, body, now()), nil
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return s.failure(api, now()), nil
	}
	return nil, err
}

// maxAge is how far the date of a signature may be from the service's.
const maxAge = 5 * time.Minute

func (s *service) carryOut(ctx context.Context, r *request, now time.Time) (smithy.Serializable, error) {
	signed, err := time.Parse("20060102T150405Z", r.signed)
	if err != nil {
		return nil, &smithy.GenericAPIError{Code: "IncompleteSignatureException", Message: err.Error()}
	}
	if now.Sub(signed).Abs() >= maxAge {
		return nil, &smithy.GenericAPIError{
			Code: "InvalidSignatureException", Message: fmt.Sprintf("Signature of %v is not of now, %v", signed, now.UTC()),
		}
	}
	operation, ok := s.operations[r.operation]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: r.operation}
	}
	return operation(ctx, r.body)
}

// encode writes an output as JSON. It is the SDK that knows the names: to its
// protocol, everything is something to send.
func (s *service) encode(ctx context.Context, out smithy.Serializable) ([]byte, error) {
	body, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		return nil, errors.New("the SDK makes requests of another type")
	}
	if err := s.protocol.SerializeRequest(ctx, s.output, out, body); err != nil {
		return nil, err
	}
	return io.ReadAll(body.GetStream())
}
