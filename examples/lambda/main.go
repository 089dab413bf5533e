// Command lambda is a Lambda function for a program's own jobs, in a module of
// its own. Copy the folder, let it take the released library,
//
//	go mod edit -dropreplace=github.com/jamesTait-jt/goflow
//	go get github.com/jamesTait-jt/goflow@latest
//
// and register your handlers where it registers one. `sam build && sam deploy`
// does the rest.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/lambda"
)

var greet = goflow.NewJob[string, string]("greet")

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	broker := sqs.New(awssqs.NewFromConfig(cfg), os.Getenv("GOFLOW_QUEUE_URL"))
	dead := sqs.New(awssqs.NewFromConfig(cfg), os.Getenv("GOFLOW_DLQ_URL"))
	records := dynamo.New(awsdynamodb.NewFromConfig(cfg), os.Getenv("GOFLOW_TABLE"))

	mux := goflow.NewMux()
	greet.Handle(mux, func(_ context.Context, name string) (string, error) {
		return "hello, " + name, nil
	})
	handler, err := lambda.NewHandler(broker, records, mux, goflow.DeadLetters(dead))
	if err != nil {
		return err
	}
	lambda.Start(handler)
	return nil
}
