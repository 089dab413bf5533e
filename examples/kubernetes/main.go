// Command kubernetes is a worker for a program's own jobs, in a module of its own.
// Copy the folder, let it take the released library,
//
//	go mod edit -dropreplace=github.com/jamesTait-jt/goflow
//	go get github.com/jamesTait-jt/goflow@latest
//
// and register your handlers where it registers one. The Dockerfile makes an image
// of it, which `goflow deploy` runs: docs/kubernetes.md.
package main

import (
	"context"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/pool"
)

var greet = goflow.NewJob[string, string]("greet")

func main() {
	mux := goflow.NewMux()
	greet.Handle(mux, func(_ context.Context, name string) (string, error) {
		return "hello, " + name, nil
	})
	pool.Main(mux)
}
