package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// killAt is after how many outcomes -kill-worker kills.
const killAt = 40

// onAWS runs the demo with a worker and a producer as processes, on queues and
// a table of its own.
func (d *demo) onAWS(ctx context.Context) error {
	suffix := "-demo-" + strings.ToLower(rand.Text()[:8])
	settings, err := config.Provision(ctx, config.Settings{
		QueueURL: goflow.DefaultQueue + suffix, DLQURL: goflow.DefaultDeadQueue + suffix, Table: goflow.DefaultTable + suffix,
	})
	if err != nil {
		return err
	}
	d.say("provisioned %s and its dead-letter queue and table", goflow.DefaultQueue+suffix)
	settings.Lease, settings.PollWait = lease, pollWait
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return err
	}
	f, err := d.work(ctx, settings, world{queue: parts.Queue, dead: parts.Dead, store: parts.Table})
	if err != nil {
		return err
	}
	if err := d.report(f); err != nil {
		return err // what was provisioned stays, to be looked at
	}
	return remove(ctx, settings)
}

// work runs worker and producer and reads back what became of the tasks.
func (d *demo) work(ctx context.Context, settings config.Settings, w world) (f found, err error) {
	shop, err := d.newWorkshop(ctx, environment(settings))
	if err != nil {
		return f, err
	}
	defer shop.close()
	if d.remote {
		err = d.workRemotely(ctx, shop)
	} else {
		err = d.workHere(ctx, shop)
	}
	if err != nil {
		return f, err
	}
	f, err = w.readBack(ctx, d.tasks)
	if err := errors.Join(err, shop.stop()); err != nil {
		return f, err
	}
	f.dead, err = w.deadLetters(ctx, d.tasks)
	return f, err
}

// workHere has one worker, and the producer talks to AWS itself.
func (d *demo) workHere(ctx context.Context, shop *workshop) error {
	worker, err := shop.start("worker", "cmd/localworker")
	if err != nil {
		return err
	}
	err = d.runProducer(ctx, shop.env, func(n int) error {
		if d.kill && n == killAt {
			return worker.replace()
		}
		return nil
	})
	if err != nil {
		d.say("producer: %v", err) // what it leaves open shows in the table
	}
	return nil
}

// environment is that of worker and producer: this process's, with all of our
// settings replaced.
func environment(s config.Settings) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOFLOW_") {
			env = append(env, v)
		}
	}
	return append(env,
		"GOFLOW_QUEUE_URL="+s.QueueURL, "GOFLOW_DLQ_URL="+s.DLQURL, "GOFLOW_TABLE="+s.Table,
		"GOFLOW_LEASE="+lease.String(), "GOFLOW_POLL_WAIT="+pollWait.String(), "GOFLOW_BACKOFF="+backoff.String(),
		"GOFLOW_UNKNOWN_TYPE_GRACE="+unknownGrace.String(), "GOFLOW_HTTP_ADDR=off",
	)
}

// remove deletes what was provisioned.
func remove(ctx context.Context, s config.Settings) error {
	cfg, err := config.AWS(ctx)
	if err != nil {
		return err
	}
	queues, tables := awssqs.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg)
	_, queueErr := queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &s.QueueURL})
	_, deadErr := queues.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &s.DLQURL})
	_, tableErr := tables.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &s.Table})
	return errors.Join(queueErr, deadErr, tableErr)
}
