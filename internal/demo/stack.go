package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// onStack runs the demo on the places of a deployed stack, whose function is
// the worker. They stay as they were found, and may hold what is not the
// demo's.
func (d *demo) onStack(ctx context.Context, name string) error {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return err
	}
	places, err := stack.Read(ctx, cfg, name)
	if err != nil {
		return err
	}
	settings := config.Settings{
		QueueURL: places.QueueURL, DLQURL: places.DeadQueueURL, Table: places.Table, Lease: lease, PollWait: pollWait,
	}
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return err
	}
	w := world{queue: parts.Queue, dead: parts.Dead, store: parts.Table, shared: true}
	if w.hidden, err = visibility(ctx, awssqs.NewFromConfig(cfg), places.QueueURL); err != nil {
		return err
	}
	d.patience += w.hidden
	left, err := w.leftOver(ctx)
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("the queue of stack %s holds %d messages of others: wait until the function has run them", name, left)
	}
	d.say("the worker is the function of stack %s", name)
	if err := d.runProducer(ctx, environment(settings), func(int) error { return nil }); err != nil {
		d.say("producer: %v", err) // what it leaves open shows in the table
	}
	f, err := w.readBack(ctx, d.tasks)
	if err != nil {
		return err
	}
	if f.dead, err = w.deadLetters(ctx, d.tasks); err != nil {
		return err
	}
	return d.report(f)
}

// visibility is how long the queue hides a message after a receive. A function
// that was throttled, or whose process died, gets its messages again only then.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func visibility(ctx context.Context, client *awssqs.Client, queueURL string) (time.Duration, error) {
	const name = types.QueueAttributeNameVisibilityTimeout
	got, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		return 0, fmt.Errorf("read the queue's visibility timeout: %w", err)
	}
	seconds, err := strconv.Atoi(got.Attributes[string(name)])
	return time.Duration(seconds) * time.Second, err
}
