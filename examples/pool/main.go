// Command pool is a whole worker for a program's own jobs, over SQS and
// DynamoDB: copy it, and register your handlers where it registers one.
//
//	pool QUEUE_URL DEAD_QUEUE_URL TABLE
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/connections"
	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
)

var greet = goflow.NewJob[string, string]("greet")

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pool QUEUE_URL DEAD_QUEUE_URL TABLE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, queueURL, deadQueueURL, table string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	connections.Keep(&cfg, 64)
	broker := sqs.New(awssqs.NewFromConfig(cfg), queueURL)
	dead := sqs.New(awssqs.NewFromConfig(cfg), deadQueueURL)
	records := dynamo.New(awsdynamodb.NewFromConfig(cfg), table)

	mux := goflow.NewMux()
	greet.Handle(mux, func(_ context.Context, name string) (string, error) {
		return "hello, " + name, nil
	})
	worker, err := goflow.NewWorker(broker, records, mux, goflow.DeadLetters(dead))
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}
