package sqs

import (
	"context"
	"errors"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// MaySend asks whether the credentials may send to the queue, by sending nothing.
// SQS does not document that it looks at the permission before it finds the batch
// empty, so nil is no proof. ErrRefused: they may not. ErrUnavailable.
func (b *Broker) MaySend(ctx context.Context) error {
	w := &wire{}
	in := &awssqs.SendMessageBatchInput{QueueUrl: &b.queueURL, Entries: []types.SendMessageBatchRequestEntry{}}
	_, err := b.api.SendMessageBatch(ctx, in, w.watch)
	return b.allowed(ctx, opSend, err, w)
}

// MayTake is MaySend for receiving, extending and acking: a receive that SQS
// cannot grant, and batches without messages.
func (b *Broker) MayTake(ctx context.Context) error {
	const tooMany, tooLong = port.MaxMessages + 1, 13 * 60 * 60 // SQS gives 10 messages for 12 hours at most
	w := &wire{}
	_, err := b.api.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: &b.queueURL, MaxNumberOfMessages: tooMany, VisibilityTimeout: tooLong,
	}, w.watch)
	if err := b.allowed(ctx, opReceive, err, w); err != nil {
		return err
	}
	_, err = b.api.ChangeMessageVisibilityBatch(ctx, &awssqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &b.queueURL, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{},
	}, w.watch)
	if err := b.allowed(ctx, opExtend, err, w); err != nil {
		return err
	}
	_, err = b.api.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{
		QueueUrl: &b.queueURL, Entries: []types.DeleteMessageBatchRequestEntry{},
	}, w.watch)
	return b.allowed(ctx, opAck, err, w)
}

// allowed is the error of a call that could not have been carried out: SQS finding
// it wrong is what comes of a permission.
func (b *Broker) allowed(ctx context.Context, o op, err error, w *wire) error {
	if err == nil {
		return nil
	}
	w.doubt = false // nothing was sent
	if failed := b.at(o).callFailed(ctx, err, w); !errors.Is(failed, port.ErrInvalid) {
		return failed
	}
	return nil
}
