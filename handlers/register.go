// Package handlers holds the sample tasks, and is where a user of this
// repository puts their own: write a job in a file of its own, add a line to
// Register, and every home runs it, the pool as well as the Lambda function.
package handlers

import "github.com/jamesTait-jt/goflow/goflow"

// Register gives m every handler of this package.
func Register(m *goflow.Mux) {
	Echo.Handle(m, echo)
	Hash.Handle(m, hash)
	Fetch.Handle(m, fetch)
	Flaky.Handle(m, flaky)
	Fail.Handle(m, fail)
	Panic.Handle(m, panics)
}
