package wire

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// Backoff says how long a client waits after the given attempt, from 1 on, before
// the next. It is called concurrently if the client is.
type Backoff func(attempt int) time.Duration

// Clients returns the SDK's real clients over a transport: each with the retries
// that are the SDK's default (three attempts, a quota of 500) except for the
// backoff; nil: none. They draw nothing at random: without an invocation ID, which
// is all that they would, whoever seeds crypto/rand gets the same from it in
// whatever order calls are made.
func Clients(transport aws.HTTPClient, backoff Backoff) (*awssqs.Client, *awsdynamodb.Client) {
	const region = "us-east-1"
	secret := credentials.NewStaticCredentialsProvider("AKIDSIMULATION", "simulation", "")
	queues := awssqs.New(awssqs.Options{
		Region: region, Credentials: secret, BaseEndpoint: new("http://sqs.simulation"),
		HTTPClient: transport, Retryer: retryer(backoff), APIOptions: []func(*middleware.Stack) error{drawNothing},
	})
	tables := awsdynamodb.New(awsdynamodb.Options{
		Region: region, Credentials: secret, BaseEndpoint: new("http://dynamodb.simulation"),
		HTTPClient: transport, Retryer: retryer(backoff), APIOptions: []func(*middleware.Stack) error{drawNothing},
	})
	return queues, tables
}

func drawNothing(stack *middleware.Stack) error {
	_, err := stack.Build.Remove((&awsmiddleware.ClientRequestID{}).ID())
	return err
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
