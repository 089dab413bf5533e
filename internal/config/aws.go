package config

import (
	"cmp"
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"

	"github.com/jamesTait-jt/goflow/adapters/connections"
	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Parts are the queues and the table that the settings name; nil where they
// name none.
type Parts struct {
	Queue, Dead *sqs.Broker
	Table       *dynamo.Store
}

// credentialsTime bounds the search for credentials: outside of AWS the last
// place to look, the machine's metadata, does not answer.
const credentialsTime = 5 * time.Second

// AWS returns the SDK's default configuration, or an *Error when region or
// credentials are missing.
func AWS(ctx context.Context) (aws.Config, error) {
	cfg, err := SDK(ctx)
	if err != nil {
		return cfg, err
	}
	if err := CheckRegion(cfg); err != nil {
		return cfg, err
	}
	_, err = CheckCredentials(ctx, cfg)
	return cfg, err
}

// SDK returns the SDK's default configuration as it is.
func SDK(ctx context.Context) (aws.Config, error) {
	// What matters comes back as an error; the SDK would say more on standard error.
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, Errorf("AWS configuration: %v", err)
	}
	return cfg, nil
}

// CheckRegion returns an *Error when there is no region.
func CheckRegion(cfg aws.Config) error {
	if cfg.Region == "" {
		return Errorf("AWS region is missing: set AWS_REGION, as in AWS_REGION=eu-central-1, or a profile with one")
	}
	return nil
}

// CheckCredentials returns the credentials, or an *Error when there are none.
// Nobody has judged them.
func CheckCredentials(ctx context.Context, cfg aws.Config) (aws.Credentials, error) {
	looking, cancel := context.WithTimeout(ctx, credentialsTime)
	defer cancel()
	found, err := cfg.Credentials.Retrieve(looking)
	if ctx.Err() != nil {
		return found, ctx.Err() // nobody knows whether there are any
	}
	if err != nil {
		return found, Errorf("AWS credentials are missing: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role")
	}
	return found, nil
}

// Open returns the parts that the settings name. Queues given by name are
// looked up; nothing else is asked of AWS. The clients are made when changes have
// had the SDK's configuration.
func Open(ctx context.Context, s Settings, changes ...func(*aws.Config)) (p Parts, err error) {
	cfg, err := AWS(ctx)
	if err != nil {
		return p, err
	}
	connections.Keep(&cfg, s.calls())
	for _, change := range changes {
		change(&cfg)
	}
	client := awssqs.NewFromConfig(cfg)
	if p.Queue, err = openQueue(ctx, client, s.QueueURL, s); err != nil {
		return p, err
	}
	if p.Dead, err = openQueue(ctx, client, s.DLQURL, s); err != nil {
		return p, err
	}
	if s.Table != "" {
		p.Table = dynamo.New(awsdynamodb.NewFromConfig(cfg), s.Table)
	}
	return p, nil
}

// calls is how many calls of one service a program makes at a time: in a worker,
// each slot may send while what it has done before is settled. The least is for a
// server, whose callers nobody counts.
func (s Settings) calls() int {
	const least = 64
	slots := cmp.Or(s.Concurrency, goflow.DefaultConcurrencyPerP*runtime.GOMAXPROCS(0))
	return max(least, 2*slots)
}

func openQueue(ctx context.Context, client *awssqs.Client, queue string, s Settings) (*sqs.Broker, error) {
	if queue == "" {
		return nil, nil //nolint:nilnil // no queue is named
	}
	url, err := sqs.Resolve(ctx, client, queue)
	if err != nil {
		return nil, err
	}
	return sqs.New(client, url, sqs.Lease(s.Lease), sqs.PollWait(s.PollWait)), nil
}

// Check asks every part whether it is there and may be used.
func (p Parts) Check(ctx context.Context) error {
	var parts []port.Checker
	if p.Queue != nil {
		parts = append(parts, p.Queue)
	}
	if p.Dead != nil {
		parts = append(parts, p.Dead)
	}
	if p.Table != nil {
		parts = append(parts, p.Table)
	}
	for _, part := range parts {
		if err := part.Check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Provision makes what is missing of the queues and the table, for
// development, under the names in s or the default ones. It returns s with the
// URLs of the queues.
func Provision(ctx context.Context, s Settings) (Settings, error) {
	cfg, err := AWS(ctx)
	if err != nil {
		return s, err
	}
	s.Table = cmp.Or(s.Table, goflow.DefaultTable)
	in := sqs.ProvisionInput{
		Queue:     queueName(s.QueueURL, goflow.DefaultQueue),
		DeadQueue: queueName(s.DLQURL, goflow.DefaultDeadQueue),
	}
	if s.QueueURL, s.DLQURL, err = sqs.Provision(ctx, awssqs.NewFromConfig(cfg), in); err != nil {
		return s, err
	}
	return s, dynamo.Provision(ctx, awsdynamodb.NewFromConfig(cfg), s.Table)
}

// queueName is a queue's name, which is the last part of its URL.
func queueName(queue, fallback string) string {
	return cmp.Or(queue[strings.LastIndex(queue, "/")+1:], fallback)
}
