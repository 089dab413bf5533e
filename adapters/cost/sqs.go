package cost

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// chunk is the part of a payload that is one request.
const chunk = 64 << 10

// SQSRequests is how many requests SQS bills for one call whose payload has this
// many bytes: one for each 64 KiB begun, and one at least. The payload is that of
// all its messages together, as a batch is sent or received; a delete has none.
//
// https://aws.amazon.com/sqs/pricing/, "Size of payloads".
func SQSRequests(payload int) int64 { return int64(max(1, ceil(payload, chunk))) }

func ceil(n, unit int) int { return (n + unit - 1) / unit }

// sqsBill charges each call that SQS saw, one that it refused included. Whatever
// is done with the messages of a queue that keeps order has that queue's price.
func sqsBill(input, output any) bill {
	requests := SQSRequests(payload(input, output))
	if strings.HasSuffix(queueOf(input), ".fifo") {
		return bill{fifo: requests}
	}
	return bill{standard: requests}
}

func payload(input, output any) (size int) {
	switch in := input.(type) {
	case *awssqs.SendMessageInput:
		return messageSize(in.MessageBody, in.MessageAttributes)
	case *awssqs.SendMessageBatchInput:
		for i := range in.Entries {
			size += messageSize(in.Entries[i].MessageBody, in.Entries[i].MessageAttributes)
		}
	case *awssqs.ReceiveMessageInput:
		messages := answer[awssqs.ReceiveMessageOutput](output).Messages
		for i := range messages {
			size += messageSize(messages[i].Body, messages[i].MessageAttributes)
		}
	}
	return size
}

// queueOf is the queue of an action that is priced by it, or "".
func queueOf(input any) string {
	var queue *string
	switch in := input.(type) {
	case *awssqs.SendMessageInput:
		queue = in.QueueUrl
	case *awssqs.SendMessageBatchInput:
		queue = in.QueueUrl
	case *awssqs.ReceiveMessageInput:
		queue = in.QueueUrl
	case *awssqs.DeleteMessageInput:
		queue = in.QueueUrl
	case *awssqs.DeleteMessageBatchInput:
		queue = in.QueueUrl
	case *awssqs.ChangeMessageVisibilityInput:
		queue = in.QueueUrl
	case *awssqs.ChangeMessageVisibilityBatchInput:
		queue = in.QueueUrl
	}
	return aws.ToString(queue)
}

// messageSize is what counts towards SQS's limit of a message: its body, and the
// names, types and values of its attributes.
func messageSize(body *string, attrs map[string]types.MessageAttributeValue) int {
	size := len(aws.ToString(body))
	for name, v := range attrs {
		size += len(name) + len(aws.ToString(v.DataType)) + len(aws.ToString(v.StringValue)) + len(v.BinaryValue)
	}
	return size
}

// answer is an output, or an empty one where the call failed.
func answer[T any](output any) *T {
	if out, ok := output.(*T); ok && out != nil {
		return out
	}
	return new(T)
}
