package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/figures"
	"github.com/jamesTait-jt/goflow/lambda"
)

// instances of a function are there. Each works on one event at a time, and knows
// nothing of the others.
const instances = 5

// inLambda has its tasks run by functions. What the event source asks of SQS is
// paid for like all else:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func inLambda(ctx context.Context, o options) (figures.List, error) {
	return there(ctx, func(p *place) (figures.List, error) {
		to, err := p.open(ctx, pollWait)
		if err != nil {
			return nil, err
		}
		w := work{job: goflow.NewJob[string, string]("cost.function"), result: small}
		c, err := goflow.NewClient(to.queue, to.table)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }() // it returns nil
		ids, err := push(ctx, c, w.job, o.tasks)
		if err != nil {
			return nil, err
		}
		err = fan(instances, instances, func(int) error { return p.function(ctx, to, w) })
		if err != nil {
			return nil, err
		}
		if err := w.read(ctx, c, ids); err != nil {
			return nil, err
		}
		return perTask(to.Usage(), lambdaInTens, o.tasks), nil
	})
}

// function is one instance and the poller that calls it, until nothing comes.
func (p *place) function(ctx context.Context, to *parts, w work) error {
	m, result := goflow.NewMux(), text(w.result)
	w.job.Handle(m, func(context.Context, string) (string, error) { return result, nil })
	h, err := lambda.NewHandler(to.queue, to.table, m, goflow.DeadLetters(to.dead))
	if err != nil {
		return err
	}
	defer h.Stop()
	for {
		got, err := to.queues.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
			QueueUrl: &p.QueueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil || len(got.Messages) == 0 {
			return err
		}
		answer, err := h.Handle(ctx, event(got.Messages))
		if err != nil {
			return err
		}
		if stay := len(answer.BatchItemFailures); stay > 0 {
			return fmt.Errorf("%d tasks of a batch have failed", stay)
		}
		in := &awssqs.DeleteMessageBatchInput{QueueUrl: &p.QueueURL}
		for _, m := range got.Messages {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := to.queues.DeleteMessageBatch(ctx, in); err != nil {
			return err
		}
	}
}

// event is what Lambda makes of messages.
func event(ms []types.Message) (e events.SQSEvent) {
	for _, m := range ms {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:cost", EventSource: "aws:sqs",
		})
	}
	return e
}
