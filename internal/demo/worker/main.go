// Command worker is the worker of the chaos demo: cmd/localworker with the
// demo's own jobs besides the sample ones. It takes the settings of that
// program, as variables, and two of its own: DEMO_JOURNAL is the file in which
// it writes down what it does, DEMO_WORKER the number under which it does. It
// drains and ends when its standard input does, so that it can't outlive the
// demo.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // nothing comes but its end
		stop()
	}()
	if err := work(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	number, err := strconv.Atoi(os.Getenv("DEMO_WORKER"))
	if err != nil {
		return fmt.Errorf("DEMO_WORKER: %w", err)
	}
	journal, err := chaos.Open(os.Getenv("DEMO_JOURNAL"), number)
	if err != nil {
		return err
	}
	defer func() { _ = journal.Close() }() // each line has been written already
	settings, err := config.NewLoader(config.Worker, "-", os.Getenv).Load()
	if err != nil {
		return err
	}
	parts, err := config.Open(ctx, settings)
	if err != nil {
		return err
	}
	mux := goflow.NewMux()
	handlers.Register(mux)
	chaos.Register(mux, journal)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	opts := append(config.WorkerOptions(settings, log), parts.DeadLetters())
	worker, err := goflow.NewWorker(parts.Queue, journal.Store(parts.Table), mux, opts...)
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}
