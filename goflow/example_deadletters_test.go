package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
)

// A task dies, and its dead letter is sent back: it runs again, as the task's
// next generation.
func ExampleDeadLetterQueue() {
	broker, records := memory.NewBroker(memory.PollWait(time.Second)), memory.NewStore()
	dead := memory.NewBroker(memory.PollWait(time.Second))
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan Receipt, 1)

	work := func() error {
		mux := goflow.NewMux()
		Confirm.Handle(mux, func(ctx context.Context, o Order) (Receipt, error) {
			if info, _ := goflow.TaskFromContext(ctx); info.Generation == 1 {
				return Receipt{}, goflow.Permanent(errors.New("no " + o.Item + " left"))
			}
			receipt, err := confirm(ctx, o)
			ran <- receipt
			return receipt, err
		})
		worker, err := goflow.NewWorker(broker, records, mux, goflow.DeadLetters(dead))
		if err != nil {
			return err
		}
		return worker.Run(ctx)
	}
	repair := func() error {
		client, err := goflow.NewClient(broker, records)
		if err != nil {
			return err
		}
		if _, err := Confirm.Push(ctx, client, Order{Item: "tea"}); err != nil {
			return err
		}
		letters, err := goflow.NewDeadLetterQueue(dead, broker, records)
		if err != nil {
			return err
		}
		for letter, err := range letters.Redrive(ctx, goflow.DeadLetterFilter{Type: "order.confirm", Limit: 1}) {
			if err != nil {
				return err
			}
			fmt.Printf("generation %d, %s: %s\n", letter.Generation, letter.Reason, letter.Error)
		}
		fmt.Println((<-ran).Text)
		return nil
	}
	worked := make(chan error)
	go func() { worked <- work() }()
	if err := repair(); err != nil {
		fmt.Println(err)
	}
	stop()
	if err := <-worked; err != nil {
		fmt.Println(err)
	}
	// Output:
	// generation 1, permanent: no tea left
	// one tea, with thanks
}
