package server_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// A server on this machine lets a caller push, and nothing else.
func ExampleServer_Serve() {
	client, err := goflow.NewClient(memory.NewBroker(), memory.NewStore())
	if err != nil {
		panic(err)
	}
	defer client.Close()
	known, err := server.Static(server.Credentials{Tokens: []server.Token{{
		Name:   "billing", // whose token is "one"
		SHA256: "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
		Roles:  []string{"push"},
	}}})
	if err != nil {
		panic(err)
	}
	srv, err := server.New(client, server.Authenticate(known))
	if err != nil {
		panic(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, listener) }()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	api := rpc.NewGoFlowClient(conn)
	call := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer one")
	pushed, err := api.PushTask(call, &rpc.PushTaskRequest{TaskType: "order.confirm", Payload: `{"Item":"tea"}`})
	fmt.Println(len(pushed.GetId()), err)
	_, err = api.GetResult(call, &rpc.GetResultRequest{TaskID: pushed.GetId()})
	fmt.Println(status.Code(err))

	stop()
	fmt.Println(<-served)
	// Output:
	// 36 <nil>
	// PermissionDenied
	// <nil>
}
