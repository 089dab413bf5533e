// Command localworker is the long-lived pool of the sample handlers: it receives
// tasks from SQS, runs them by the handlers of package handlers, and stores their
// outcomes in DynamoDB. With -memory it runs tasks from its standard input
// instead, without AWS. docs/configuration.md has its settings and exit codes.
package main

import (
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/pool"
)

func main() {
	mux := goflow.NewMux()
	handlers.Register(mux)
	pool.Main(mux)
}
