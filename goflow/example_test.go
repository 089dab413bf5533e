package goflow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// A job: its name, payload and result, shared by those who push and run it.
type Order struct{ Item string }
type Receipt struct{ Text string }

var Confirm = goflow.NewJob[Order, Receipt]("order.confirm", goflow.MaxAttempts(3))

func confirm(ctx context.Context, o Order) (Receipt, error) {
	return Receipt{Text: "one " + o.Item + ", with thanks"}, nil
}

// Everything in one process.
func ExampleNewLocalMode() {
	run := func(ctx context.Context) error {
		gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
		Confirm.Handle(gf.Mux(), confirm)
		if err := gf.Start(); err != nil {
			return err
		}
		defer gf.Close()

		id, err := Confirm.Push(ctx, gf.Client(), Order{Item: "tea"})
		if err != nil {
			return err
		}
		receipt, err := Confirm.Wait(ctx, gf.Client(), id)

		fmt.Println(receipt.Text)
		return err
	}
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: one tea, with thanks
}

// A pool of workers, and a producer elsewhere. Here broker and store are in
// memory; examples/pool makes those of AWS.
func ExampleNewWorker() {
	broker, dead, records := memory.NewBroker(memory.PollWait(time.Second)), memory.NewBroker(), memory.NewStore()
	ctx, stop := context.WithCancel(context.Background())

	work := func() error {
		mux := goflow.NewMux()
		Confirm.Handle(mux, confirm)
		worker, err := goflow.NewWorker(broker, records, mux, goflow.DeadLetters(dead))
		if err != nil {
			return err
		}
		return worker.Run(ctx)
	}
	produce := func() error {
		client, err := goflow.NewClient(broker, records)
		if err != nil {
			return err
		}
		id, err := Confirm.Push(ctx, client, Order{Item: "tea"}, goflow.Delay(time.Second))
		if err != nil {
			return err
		}
		receipt, err := Confirm.Wait(ctx, client, id)

		fmt.Println(receipt.Text)
		return err
	}
	worked := make(chan error)
	go func() { worked <- work() }()
	if err := produce(); err != nil {
		fmt.Println(err)
	}
	stop()
	if err := <-worked; err != nil {
		fmt.Println(err)
	}
	// Output: one tea, with thanks
}

// Distributed mode in its simplest form: any number of programs push tasks and
// see all results; workers elsewhere run them.
func ExampleNew() {
	broker, records := memory.NewBroker(memory.PollWait(time.Second)), memory.NewStore()
	mux := goflow.NewMux()
	mux.Handle("repeater", func(payload any) task.Result { return task.Result{Payload: payload} })
	worker, err := goflow.NewWorker(broker, records, mux, goflow.NoDeadLetters())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	worked := make(chan error)
	go func() { worked <- worker.Run(ctx) }()

	gf := goflow.New(broker, records)
	if err := gf.Start(); err != nil {
		fmt.Println(err)
	}
	id, err := gf.Push("repeater", map[string]any{"greeting": "hello"})
	if err != nil {
		fmt.Println(err)
	}
	for {
		result, ok, err := gf.GetResult(id)
		if err != nil {
			fmt.Println(err)
		}
		if ok {
			fmt.Println(result.Payload)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := gf.Close(); err != nil {
		fmt.Println(err)
	}
	stop()
	if err := <-worked; err != nil {
		fmt.Println(err)
	}
	// Output: map[greeting:hello]
}

// The calls of the first GoFlow, as its README shows them.
func ExampleGoFlow() {
	// Create an in memory store to keep track of custom handlers
	taskHandlerStore := store.NewInMemoryKVStore[string, task.Handler]()

	// Inject the store into the GoFlow object
	gf := goflow.NewLocalMode(taskHandlerStore, goflow.WithNumWorkers(2),
		goflow.WithTaskQueueBufferSize(10), goflow.WithResultQueueBufferSize(10),
		goflow.WithResultsStore(store.NewInMemoryKVStore[string, task.Result]()))

	if err := gf.Start(); err != nil {
		fmt.Println(err)
	}

	repeater := func(payload any) task.Result {
		return task.Result{Payload: payload}
	}

	taskType := "repeater"
	gf.RegisterHandler(taskType, repeater)

	taskID, err := gf.Push("repeater", "Hello, GoFlow!")
	if err != nil {
		fmt.Println(err)
	}

	if err := gf.Close(); err != nil {
		fmt.Println(err)
	}

	result, ok, err := gf.GetResult(taskID)
	if err != nil {
		fmt.Println(err)
	}

	if !ok {
		fmt.Println("no result")
	}
	fmt.Println(result.Payload)
	// Output: Hello, GoFlow!
}
