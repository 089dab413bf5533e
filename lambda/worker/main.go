// Command worker is the Lambda function: it runs the tasks of SQS events by the
// handlers of package handlers and stores their outcomes in DynamoDB.
// template.yaml deploys it; docs/configuration.md has its settings, which are
// variables.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/lambda"
)

func main() {
	handler, err := newHandler(context.Background(), os.Getenv, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// newHandler makes the handler by the settings. Where queues are given by their
// URLs, as the template does, nothing is asked of the network.
func newHandler(ctx context.Context, getenv func(string) string, log io.Writer) (*lambda.Handler, error) {
	loader := config.NewLoader(config.Function, "", getenv)
	settings, err := loader.Load()
	if err != nil {
		return nil, err
	}
	if err := loader.RequirePlaces(settings); err != nil {
		return nil, err
	}
	if !loader.Given("timeout") {
		settings.Timeout = 0 // a function ends a run with its own time
	}
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return nil, err
	}
	mux := goflow.NewMux()
	handlers.Register(mux)
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: settings.Level()}))
	opts := append(config.WorkerOptions(settings, logger), parts.DeadLetters())
	return lambda.NewHandler(parts.Queue, parts.Table, mux, opts...)
}
