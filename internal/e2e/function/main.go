// Command function is the Lambda function of the end-to-end tests. Beside the
// samples it has tasks that no sample should be: they end their process, or
// outlast their function. What it asks of AWS it writes to a file.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/e2e/calls"
	"github.com/jamesTait-jt/goflow/internal/homes"
	"github.com/jamesTait-jt/goflow/lambda"
)

// record is the file for the calls to AWS; the linker sets it.
var record string //nolint:gochecknoglobals // the linker can set nothing else

func main() {
	handler, err := newHandler()
	if err != nil {
		fmt.Fprintln(os.Stderr, "function:", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler() (*lambda.Handler, error) {
	cfg, err := config.LoadDefaultConfig(context.Background(),
		config.WithHTTPClient(&http.Client{Transport: calls.Recorder{File: record, Next: awshttp.NewBuildableClient().GetTransport()}}))
	if err != nil {
		return nil, err
	}
	margin, err := time.ParseDuration(cmp.Or(os.Getenv("GOFLOW_MARGIN"), goflow.DefaultMargin.String()))
	if err != nil {
		return nil, err
	}
	client, records := awssqs.NewFromConfig(cfg), dynamo.New(awsdynamodb.NewFromConfig(cfg), os.Getenv("GOFLOW_TABLE"))
	mux := goflow.NewMux()
	handlers.Register(mux)
	homes.Register(mux, records)
	register(mux)
	return lambda.NewHandler(sqs.New(client, os.Getenv("GOFLOW_QUEUE_URL")), records, mux,
		goflow.DeadLetters(sqs.New(client, os.Getenv("GOFLOW_DLQ_URL"))), goflow.Margin(margin),
		goflow.Backoff(time.Second, time.Second), goflow.UnknownTypeGrace(0))
}

func register(mux *goflow.Mux) {
	goflow.NewJob[int, int]("test.exit", goflow.MaxAttempts(2)).Handle(mux, func(_ context.Context, code int) (int, error) {
		time.Sleep(50 * time.Millisecond) // its siblings have begun
		if err := calls.Append(record+".exits", "x"); err != nil {
			return 0, goflow.Permanent(err)
		}
		os.Exit(code)
		return 0, nil
	})
	goflow.NewJob[int, int]("test.rest", goflow.MaxAttempts(2)).Handle(mux, func(ctx context.Context, ms int) (int, error) {
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			return ms, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
}
