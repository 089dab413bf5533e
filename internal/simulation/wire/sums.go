package wire

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's checksum, no secret
	"encoding/hex"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// summed adds the MD5 of bodies, which the SDK compares, wherever the service has
// left it out. That of attributes no SDK for Go looks at.
type summed struct{ sqs.API }

// SendMessageBatch sends as the service does.
func (s summed) SendMessageBatch(
	ctx context.Context, in *awssqs.SendMessageBatchInput, opts ...func(*awssqs.Options),
) (*awssqs.SendMessageBatchOutput, error) {
	out, err := s.API.SendMessageBatch(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	bodies := make(map[string]*string, len(in.Entries))
	for _, e := range in.Entries {
		bodies[aws.ToString(e.Id)] = e.MessageBody
	}
	answer := *out
	answer.Successful = slices.Clone(out.Successful)
	for i := range answer.Successful {
		e := &answer.Successful[i]
		e.MD5OfMessageBody = sum(e.MD5OfMessageBody, bodies[aws.ToString(e.Id)])
	}
	return &answer, nil
}

// ReceiveMessage receives as the service does.
func (s summed) ReceiveMessage(
	ctx context.Context, in *awssqs.ReceiveMessageInput, opts ...func(*awssqs.Options),
) (*awssqs.ReceiveMessageOutput, error) {
	out, err := s.API.ReceiveMessage(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	answer := *out
	answer.Messages = slices.Clone(out.Messages)
	for i := range answer.Messages {
		m := &answer.Messages[i]
		m.MD5OfBody = sum(m.MD5OfBody, m.Body)
	}
	return &answer, nil
}

// sum is the one that is known, or that of the body.
func sum(known, body *string) *string {
	if known != nil || body == nil {
		return known
	}
	md := md5.Sum([]byte(*body)) //nolint:gosec // SQS's checksum, no secret
	return new(hex.EncodeToString(md[:]))
}
