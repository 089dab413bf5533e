// Command hello pushes a task and waits for it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

func main() {
	c, err := client.Dial(os.Args[1])
	if err != nil {
		panic(err)
	}
	echo := goflow.NewJob[int, int]("echo")
	id, err := echo.Push(context.Background(), c.Client, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(echo.Wait(context.Background(), c.Client, id))
}
