// Command bare makes one call with nothing but gRPC, by TLS or without: what a
// client of GoFlow's is measured by.
package main

import (
	"context"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/jamesTait-jt/goflow/rpc"
)

func main() {
	secure := credentials.NewTLS(nil)
	if len(os.Args) > 2 {
		secure = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(secure))
	if err != nil {
		panic(err)
	}
	answer, err := rpc.NewGoFlowClient(conn).PushTask(context.Background(), &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
	fmt.Println(answer.GetId(), err)
}
