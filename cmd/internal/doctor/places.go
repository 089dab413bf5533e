package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// byProvision is the way to mend that is the same for much.
const byProvision = "goflow provision does, as template.yaml"

// open looks a queue up and at its attributes.
func (e *examination) open(ctx context.Context, name, flag string) (b *sqs.Broker, d sqs.Description, url string, err error) {
	if name == "" {
		return nil, d, "", config.Errorf("not set: give its URL or name as --%s, %s or in the configuration file",
			flag, config.Setting{Name: flag}.Env())
	}
	e.sqs = awssqs.NewFromConfig(e.cfg)
	if url, err = sqs.Resolve(ctx, e.sqs, name); err != nil {
		return nil, d, "", err
	}
	b = sqs.New(e.sqs, url)
	d, err = b.Describe(ctx)
	return b, d, url, err
}

func (e *examination) queue(ctx context.Context) (detail string, err error) {
	if e.queued, e.queueIs, e.queueURL, err = e.open(ctx, e.is.QueueURL, "queue-url"); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, keeps tasks for %s", e.queueURL, days(e.queueIs.Retention)), nil
}

func (e *examination) deadQueue(ctx context.Context) (string, error) {
	b, d, url, err := e.open(ctx, e.is.DLQURL, "dlq-url")
	switch {
	case err != nil:
		return "", err
	case d.ARN == e.queueIs.ARN:
		return "", config.Errorf("%s is the queue of the tasks: give another one as --dlq-url", url)
	case d.FIFO != e.queueIs.FIFO && e.queued != nil:
		return "", config.Errorf("%s: make both queues FIFO queues, or neither", url)
	case d.Retention < e.queueIs.Retention:
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
		return "", config.Errorf("%s keeps letters for %s, counted from the push, and the queue keeps tasks for %s: keep them for 14 days, as %s",
			url, days(d.Retention), days(e.queueIs.Retention), byProvision)
	}
	e.dead, e.deadIs = b, &d
	return fmt.Sprintf("%s, keeps letters for %s", url, days(d.Retention)), nil
}

func (e *examination) redrive(context.Context) (string, error) {
	d := e.queueIs
	switch {
	case d.DeadARN == "":
		return "", config.Errorf("none: what no worker can take is lost when its time is over; give the queue one with maxReceiveCount %d, as %s",
			sqs.ProvisionedReceives, byProvision)
	case e.deadIs != nil && d.DeadARN != e.deadIs.ARN:
		return "", config.Errorf("it goes to %s, which is not the dead-letter queue: name that one, or mend the policy", d.DeadARN)
	case d.MaxReceives < sqs.ProvisionedReceives:
		return "", config.Errorf("maxReceiveCount is %d, so SQS takes tasks away before their attempts are over: set it to %d, as %s",
			d.MaxReceives, sqs.ProvisionedReceives, byProvision)
	}
	return fmt.Sprintf("after %d receives to %s", d.MaxReceives, d.DeadARN), nil
}

func (e *examination) table(ctx context.Context) (string, error) {
	if e.is.Table == "" {
		return "", config.Errorf("not set: give its name as --table, GOFLOW_TABLE or in the configuration file")
	}
	client := awsdynamodb.NewFromConfig(e.cfg)
	e.records = dynamo.New(client, e.is.Table)
	e.expiresRecords = func(ctx context.Context) (string, error) { return dynamo.Expiry(ctx, client, e.is.Table) }
	return e.is.Table + ", with the key that it should have", e.records.Check(ctx)
}

func (e *examination) expiry(ctx context.Context) (string, error) {
	attribute, err := e.expiresRecords(ctx)
	switch {
	case err != nil:
		return "", err
	case attribute == "":
		return "", config.Errorf("off, so records are kept and paid for ever: turn it on for the attribute %s, as %s", dynamo.ExpiryAttribute, byProvision)
	case attribute != dynamo.ExpiryAttribute:
		return "", config.Errorf("on the attribute %s, so records are kept and paid for ever: turn it off there, and on for %s",
			attribute, dynamo.ExpiryAttribute)
	}
	return "on the attribute " + attribute, nil
}

func (e *examination) mayPush(ctx context.Context) (string, error) {
	return "sqs:SendMessage", e.queued.MaySend(ctx)
}

func (e *examination) mayTake(ctx context.Context) (string, error) {
	if err := e.dead.MayTake(ctx); err != nil {
		return "", err
	}
	return "sqs:ReceiveMessage, ChangeMessageVisibility, DeleteMessage and SendMessage", e.dead.MaySend(ctx)
}

func (e *examination) mayRead(ctx context.Context) (string, error) {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	nobody := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	_, err := e.records.Load(ctx, []string{nobody}, true)
	return "dynamodb:BatchGetItem", err
}

func (e *examination) mayWrite(ctx context.Context) (string, error) {
	return "dynamodb:PartiQLUpdate", e.records.MayUpdate(ctx)
}

// days is a time in the unit of retentions, where it is whole.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
