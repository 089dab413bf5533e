package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Results in the order in which they come, and the first one.
func ExampleJob_WaitAll() {
	square := goflow.NewJob[int, int]("square")
	gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
	square.Handle(gf.Mux(), func(_ context.Context, n int) (int, error) { return n * n, nil })
	if err := gf.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	var ids []string
	for n := range 4 {
		id, err := square.Push(ctx, gf.Client(), n)
		if err != nil {
			fmt.Println(err)
			return
		}
		ids = append(ids, id)
	}
	var squares []int
	for result, err := range square.WaitAll(ctx, gf.Client(), ids) {
		if err != nil {
			fmt.Println(result.ID, err) // the others go on
			continue
		}
		squares = append(squares, result.Value)
	}
	slices.Sort(squares)
	fmt.Println(squares)

	first, err := square.WaitAny(ctx, gf.Client(), ids[2:3])
	fmt.Println(first.Value, err)
	if err := gf.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [0 1 4 9]
	// 4 <nil>
}

// A task that runs is cancelled; its handler learns of it by its context.
func ExampleClient_Cancel() {
	count := goflow.NewJob[int, int]("count", goflow.Cancellable())
	gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
	began := make(chan struct{})
	count.Handle(gf.Mux(), func(ctx context.Context, to int) (int, error) {
		close(began)
		select {
		case <-time.After(time.Duration(to) * time.Second):
			return to, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx) // goflow.ErrCancelled
		}
	})
	if err := gf.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	id, err := count.Push(ctx, gf.Client(), 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-began
	if err := gf.Client().Cancel(ctx, id); err != nil {
		fmt.Println(err)
	}
	_, err = count.Wait(ctx, gf.Client(), id)
	fmt.Println(errors.Is(err, goflow.ErrCancelled))
	fmt.Println(errors.Is(gf.Client().Cancel(ctx, id), goflow.ErrFinished))
	if err := gf.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// true
	// true
}

// A job whose successes nobody asks for writes nothing when it succeeds.
func ExampleNoResult() {
	ping := goflow.NewJob[string, string]("ping", goflow.NoResult())
	gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler]())
	ping.Handle(gf.Mux(), func(_ context.Context, s string) (string, error) { return s, nil })
	if err := gf.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	id, err := ping.Push(ctx, gf.Client(), "hello")
	if err != nil {
		fmt.Println(err)
	}
	_, err = ping.Wait(ctx, gf.Client(), id)
	fmt.Println(err)
	if err := gf.Close(); err != nil {
		fmt.Println(err)
	}
	// Output: goflow: wait for ping: job keeps no results: it is NoResult
}
