package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// A handler says by its error what is to follow: a retry after the backoff,
// after a time of its own, none, or another run that is no retry.
func Example_retries() {
	fetch := goflow.NewJob[string, string]("fetch", goflow.MaxAttempts(3), goflow.Backoff(time.Millisecond, time.Millisecond))
	gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
	naps := 0
	fetch.Handle(gf.Mux(), func(ctx context.Context, what string) (string, error) {
		info, _ := goflow.TaskFromContext(ctx)
		switch {
		case what == "busy" && info.Attempt < 3:
			return "", goflow.RetryAfter(time.Millisecond, errors.New("busy"))
		case what == "gone":
			return "", goflow.Permanent(errors.New("gone for good"))
		case what == "early" && naps < 5: // more than it has attempts
			naps++
			return "", goflow.Snooze(time.Millisecond)
		}
		return fmt.Sprintf("%s at attempt %d", what, info.Attempt), nil
	})
	if err := gf.Start(); err != nil {
		fmt.Println(err)
	}
	defer func() { _ = gf.Close() }()

	for _, what := range []string{"busy", "gone", "early"} {
		id, err := fetch.Push(context.Background(), gf.Client(), what)
		if err != nil {
			fmt.Println(err)
		}
		result, err := fetch.Wait(context.Background(), gf.Client(), id)
		if failed, ok := errors.AsType[*goflow.TaskError](err); ok {
			fmt.Println(failed.State, "after", failed.Attempts, "attempt:", failed.Reason)
			continue
		}
		fmt.Println(result)
	}
	// Output:
	// busy at attempt 3
	// dead after 1 attempt: gone for good
	// early at attempt 1
}

// Two copies of a task that is Once have one effect.
func ExampleOnce() {
	charge := goflow.NewJob[int, string]("charge", goflow.Once())
	broker := memory.NewBroker(memory.PollWait(time.Millisecond), memory.Lease(50*time.Millisecond))
	records, mux := memory.NewStore(), goflow.NewMux()
	runs := 0
	charge.Handle(mux, func(_ context.Context, cents int) (string, error) {
		runs++
		return fmt.Sprintf("charged %d", cents), nil
	})
	client, err := goflow.NewClient(broker, records)
	if err != nil {
		fmt.Println(err)
	}
	id := goflow.IDFrom("order-17")
	for range 2 { // an answer was lost, say
		if _, err := charge.Push(context.Background(), client, 500, goflow.ID(id)); err != nil {
			fmt.Println(err)
		}
	}
	worker, err := goflow.NewWorker(broker, records, mux, goflow.NoDeadLetters())
	if err != nil {
		fmt.Println(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- worker.Run(ctx) }()
	result, err := charge.Wait(context.Background(), client, id)
	broker.Close() // the worker ends when nothing is left
	fmt.Println(result, err, <-ended)
	stop()
	fmt.Println("runs:", runs)
	// Output:
	// charged 500 <nil> <nil>
	// runs: 1
}
