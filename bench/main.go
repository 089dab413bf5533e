// Command bench compares.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jamesTait-jt/goflow/bench/internal/child"
)

func main() {
	if err := child.Serve(context.Background(), os.Args[2], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
