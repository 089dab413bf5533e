package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// producer returns a client of a queue in memory.
func producer() *goflow.Client {
	client, err := goflow.NewClient(memory.NewBroker(), memory.NewStore())
	if err != nil {
		panic(err)
	}
	return client
}

// A push that may be repeated: by a retry of your own, by two programs at once.
func ExampleID() {
	ctx, client := context.Background(), producer()
	id := goflow.IDFrom("order.confirm/17")

	for range 2 {
		got, err := Confirm.Push(ctx, client, Order{Item: "tea"}, goflow.ID(id))
		fmt.Println(got == id, err)
	}
	_, err := Confirm.Push(ctx, client, Order{Item: "coffee"}, goflow.ID(id))
	fmt.Println(errors.Is(err, goflow.ErrDuplicateTask))
	// Output:
	// true <nil>
	// true <nil>
	// true
}

// IDs of names are the same everywhere, so that who did not push can wait.
func ExampleIDFrom() {
	fmt.Println(goflow.IDFrom("order-17"))
	// Output: 72a90ea3-da8b-8dd0-9bde-2f27314e02e2
}

// Each task of a PushMany has its own ID.
func ExampleClient_PushMany() {
	ctx, client := context.Background(), producer()
	ids, err := client.PushMany(ctx, []task.Task{
		{Type: "order.confirm", Payload: Order{Item: "tea"}, ID: goflow.IDFrom("order.confirm/17")},
		{Type: "order.confirm", Payload: Order{Item: "coffee"}, ID: goflow.IDFrom("order.confirm/18")},
		{Type: "order.confirm", Payload: Order{Item: "cake"}},
	})
	fmt.Println(len(ids), err)
	// Output: 3 <nil>
}

// One task per user at a time.
func ExampleUnique() {
	ctx, client := context.Background(), producer()
	one := goflow.Unique("user-17", time.Hour)

	id, err := Confirm.Push(ctx, client, Order{Item: "tea"}, one)
	fmt.Println(err)
	_, err = Confirm.Push(ctx, client, Order{Item: "coffee"}, one)
	if held, ok := errors.AsType[*goflow.NotUniqueError](err); ok {
		fmt.Println(held.Key, held.OwnerID == id)
	}
	// Output:
	// <nil>
	// user-17 true
}

// A task that is on record as soon as it is pushed.
func ExampleTrack() {
	ctx, client := context.Background(), producer()
	id, err := Confirm.Push(ctx, client, Order{Item: "tea"}, goflow.Track())
	if err != nil {
		fmt.Println(err)
	}
	rec, err := client.Get(ctx, id)
	fmt.Println(rec.State, err)
	// Output: open <nil>
}

// A task for next week, which a cancellation still reaches.
func ExampleDelay() {
	ctx, client := context.Background(), producer()
	id, err := Confirm.Push(ctx, client, Order{Item: "tea"}, goflow.Delay(7*24*time.Hour))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(client.Cancel(ctx, id))
	// Output: <nil>
}

// A task that is not worth running when a minute has gone by.
func ExampleExpiresIn() {
	ctx, client := context.Background(), producer()
	_, err := Confirm.Push(ctx, client, Order{Item: "tea"}, goflow.ExpiresIn(time.Minute))
	fmt.Println(err)
	// Output: <nil>
}
