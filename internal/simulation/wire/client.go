package wire

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Backoff says how long a client waits after the given attempt, from 1 on, before
// the next. It is called concurrently if the client is.
type Backoff func(attempt int) time.Duration

// Clients returns the SDK's real clients over a transport: each with the retries
// that are the SDK's default (three attempts, a quota of 500) except for the
// backoff; nil: none. What else they draw at random, their invocation IDs, changes
// nothing. They belong to the synctest bubble that makes their first call.
func Clients(transport aws.HTTPClient, backoff Backoff) (*awssqs.Client, *awsdynamodb.Client) {
	const region = "us-east-1"
	secret := credentials.NewStaticCredentialsProvider("AKIDSIMULATION", "simulation", "")
	queues := awssqs.New(awssqs.Options{
		Region: region, Credentials: secret, BaseEndpoint: new("http://sqs.simulation"),
		HTTPClient: transport, Retryer: retryer(backoff),
	})
	tables := awsdynamodb.New(awsdynamodb.Options{
		Region: region, Credentials: secret, BaseEndpoint: new("http://dynamodb.simulation"),
		HTTPClient: transport, Retryer: retryer(backoff),
	})
	return queues, tables
}

func retryer(backoff Backoff) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			if backoff == nil {
				return 0, nil
			}
			return backoff(attempt), nil
		})
	})
}
