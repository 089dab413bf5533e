package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
)

// runWhile runs a worker while do runs.
func runWhile(worker *goflow.Worker, do func(ctx context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	worked := make(chan error)
	go func() { worked <- worker.Run(ctx) }()
	if err := do(ctx); err != nil {
		fmt.Println(err)
	}
	stop()
	if err := <-worked; err != nil {
		fmt.Println(err)
	}
}

// The tasks of one account run in the order in which they were pushed: the second
// waits for the retry of the first. Over SQS it takes FIFO queues.
func ExampleGroup() {
	broker := memory.NewBroker(memory.Ordered(), memory.PollWait(50*time.Millisecond))
	dead, records := memory.NewBroker(memory.Ordered()), memory.NewStore()
	book := goflow.NewJob[string, string]("account.book", goflow.Backoff(time.Millisecond, time.Millisecond))
	failed := false

	mux := goflow.NewMux()
	book.Handle(mux, func(_ context.Context, entry string) (string, error) {
		if entry == "open" && !failed {
			failed = true
			return "", errors.New("try again")
		}
		fmt.Println(entry)
		return entry, nil
	})
	worker, err := goflow.NewWorker(broker, records, mux, goflow.DeadLetters(dead))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := goflow.NewClient(broker, records)
	if err != nil {
		fmt.Println(err)
		return
	}
	runWhile(worker, func(ctx context.Context) error {
		var last string
		for _, entry := range []string{"open", "pay in", "close"} {
			if last, err = book.Push(ctx, client, entry, goflow.Group("account-17")); err != nil {
				return err
			}
		}
		_, err := book.Wait(ctx, client, last)
		return err
	})
	// Output:
	// open
	// pay in
	// close
}

// A tenant with many tasks holds up the others less. In memory it makes no
// difference, so the same code runs everywhere.
func ExampleFairKey() {
	broker := memory.NewBroker()
	client, err := goflow.NewClient(broker, memory.NewStore())
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := Confirm.Push(context.Background(), client, Order{Item: "tea"}, goflow.FairKey("tenant-17")); err != nil {
		fmt.Println(err)
	}
	size, err := broker.Size(context.Background())
	fmt.Println(size.Waiting, err)
	// Output: 1 <nil>
}

// Mail has a queue of its own, in which it never waits behind anything else. One
// worker serves both queues.
func ExampleQueues() {
	broker, mail := memory.NewBroker(memory.PollWait(50*time.Millisecond)), memory.NewBroker(memory.PollWait(50*time.Millisecond))
	dead, records := memory.NewBroker(), memory.NewStore()
	queues := goflow.Queues(goflow.Queue{Name: "mail", Broker: mail})
	welcome := goflow.NewJob[string, string]("mail.welcome", goflow.OnQueue("mail"))

	mux := goflow.NewMux()
	welcome.Handle(mux, func(_ context.Context, name string) (string, error) { return "Welcome, " + name, nil })
	worker, err := goflow.NewWorker(broker, records, mux, goflow.DeadLetters(dead), queues)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := goflow.NewClient(broker, records, queues)
	if err != nil {
		fmt.Println(err)
		return
	}
	runWhile(worker, func(ctx context.Context) error {
		id, err := welcome.Push(ctx, client, "Ada")
		if err != nil {
			return err
		}
		text, err := welcome.Wait(ctx, client, id)
		fmt.Println(text)
		return err
	})
	_, err = client.Push(context.Background(), "mail.welcome", []byte(`"Ada"`), goflow.OnQueue("post"))
	fmt.Println(err)
	// Output:
	// Welcome, Ada
	// goflow: invalid queue "post": this client knows its own and mail: name its broker with Queues
}
