package client_test

import (
	"context"
	"fmt"
	"net"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

type Order struct{ Item string }
type Receipt struct{ Text string }

var Confirm = goflow.NewJob[Order, Receipt]("order.confirm", goflow.MaxAttempts(3))

// A program that knows a server, and nothing of queues and tables.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	address, stopped := serveInMemory(ctx)

	receipt, err := order(ctx, address)
	fmt.Println(receipt.Text, err)

	stop()
	<-stopped
	// Output: one tea, with thanks <nil>
}

func order(ctx context.Context, address string) (receipt Receipt, err error) {
	c, err := client.Dial(address)
	if err != nil {
		return receipt, err
	}
	defer c.Close()

	id, err := Confirm.Push(ctx, c.Client, Order{Item: "tea"})
	if err != nil {
		return receipt, err
	}
	return Confirm.Wait(ctx, c.Client, id)
}

// serveInMemory stands for goflow server and a pool.
func serveInMemory(ctx context.Context) (address string, stopped <-chan struct{}) {
	queue, records, mux := memory.NewBroker(), memory.NewStore(), goflow.NewMux()
	Confirm.Handle(mux, func(_ context.Context, o Order) (Receipt, error) {
		return Receipt{Text: "one " + o.Item + ", with thanks"}, nil
	})
	worker := must(goflow.NewWorker(queue, records, mux, goflow.NoDeadLetters()))
	tasks := must(goflow.NewClient(queue, records))
	srv := must(server.New(tasks, server.Authenticate(server.Anyone(rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ))))
	listener := must(new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"))

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		go func() { _ = worker.Run(ctx) }()
		_ = srv.Serve(ctx, listener)
	}()
	return listener.Addr().String(), ended
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
