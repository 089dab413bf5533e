// Package homes says what every home of the handlers does alike: the pool, the
// Lambda function and the program itself. Its handlers keep nothing between
// their runs, so that they can be anywhere; what they are to do stands in their
// payloads.
package homes

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Act is what a run is to do, in this order.
type Act struct {
	SnoozeUntil time.Time `json:"snoozeUntil,omitzero"`
	FailUntil   int       `json:"failUntil,omitempty"` // attempts below it fail
	MendedIn    int       `json:"mendedIn,omitempty"`  // generations below it fail for good
	After       int       `json:"after,omitempty"`     // seconds to the next attempt; 0: the backoff
	Panic       bool      `json:"panic,omitempty"`
	Hang        bool      `json:"hang,omitempty"` // until the context ends
}

// Ran is what a run reports.
type Ran struct {
	Run        string    `json:"run"` // another one for each run
	Began      time.Time `json:"began"`
	Attempt    int       `json:"attempt"`
	Generation int       `json:"generation"`
}

// The jobs, which do the same and differ in their options.
var (
	Plain       = goflow.NewJob[Act, Ran]("homes.plain", goflow.MaxAttempts(3))
	Once        = goflow.NewJob[Act, Ran]("homes.once", goflow.MaxAttempts(3), goflow.Once())
	Cancellable = goflow.NewJob[Act, Ran]("homes.cancellable", goflow.Cancellable())
	Forgetful   = goflow.NewJob[Act, Ran]("homes.forgetful", goflow.MaxAttempts(1), goflow.NoResult())
)

// Register gives m the handlers of all jobs.
func Register(m *goflow.Mux) {
	for _, job := range []*goflow.Job[Act, Ran]{Plain, Once, Cancellable, Forgetful} {
		job.Handle(m, run)
	}
}

var errBad = errors.New("bad luck")

func run(ctx context.Context, act Act) (Ran, error) {
	info, _ := goflow.TaskFromContext(ctx)
	ran := Ran{Run: rand.Text(), Began: time.Now(), Attempt: info.Attempt, Generation: info.Generation}
	switch {
	case ran.Began.Before(act.SnoozeUntil):
		return ran, goflow.Snooze(time.Until(act.SnoozeUntil))
	case ran.Generation < act.MendedIn:
		return ran, goflow.Permanent(errBad)
	case ran.Attempt < act.FailUntil && act.After > 0:
		return ran, goflow.RetryAfter(time.Duration(act.After)*time.Second, errBad)
	case ran.Attempt < act.FailUntil:
		return ran, errBad
	case act.Panic:
		panic("ouch")
	case act.Hang:
		<-ctx.Done()
		return ran, ctx.Err()
	}
	return ran, nil
}
