// Package homes says what every home of the handlers does alike: the pool, the
// Lambda function and the program itself. Its handlers keep nothing between
// their runs, so that they can be anywhere; what they are to do stands in their
// payloads, and what their records don't say they tell by records of their own.
package homes

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Act is what a run is to do, in this order.
type Act struct {
	SnoozeUntil time.Time `json:"snoozeUntil,omitzero"`
	FailUntil   int       `json:"failUntil,omitempty"` // attempts below it fail
	MendedIn    int       `json:"mendedIn,omitempty"`  // generations below it fail for good
	After       int       `json:"after,omitempty"`     // seconds to the next attempt; 0: the backoff
	Panic       bool      `json:"panic,omitempty"`
	// Tell is where it tells when it begins, and when its context ends. A run that
	// finds that another has told it is the second one.
	Tell   string `json:"tell,omitempty"`
	Sole   bool   `json:"sole,omitempty"`   // a second run tells so, and fails for good
	Hang   bool   `json:"hang,omitempty"`   // until the context ends; a second run doesn't
	Millis int    `json:"millis,omitempty"` // how long it works
	Deaf   bool   `json:"deaf,omitempty"`   // it goes on when its context ends
}

// Ran is what a run reports.
type Ran struct {
	Run        string    `json:"run"` // another one for each run
	Began      time.Time `json:"began"`
	Attempt    int       `json:"attempt"`
	Generation int       `json:"generation"`
}

// Told is what a run tells while it goes on.
type Told struct {
	Ran
	At    time.Time `json:"at"`
	Cause string    `json:"cause,omitempty"` // why its context ended
}

// The jobs, which do the same and differ in their options.
var (
	Plain       = goflow.NewJob[Act, Ran]("homes.plain", goflow.MaxAttempts(3))
	Once        = goflow.NewJob[Act, Ran]("homes.once", goflow.MaxAttempts(3), goflow.Once())
	Cancellable = goflow.NewJob[Act, Ran]("homes.cancellable", goflow.Cancellable())
	Forgetful   = goflow.NewJob[Act, Ran]("homes.forgetful", goflow.MaxAttempts(1), goflow.NoResult())
)

// Register gives m the handlers of all jobs, which tell by way of s.
func Register(m *goflow.Mux, s goflow.Store) {
	for _, job := range []*goflow.Job[Act, Ran]{Plain, Once, Cancellable, Forgetful} {
		job.Handle(m, func(ctx context.Context, act Act) (Ran, error) { return run(ctx, s, act) })
	}
}

var (
	errBad   = errors.New("bad luck")
	errTwice = errors.New("it ran twice")
)

func run(ctx context.Context, s goflow.Store, act Act) (Ran, error) {
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
	}
	return ran, act.work(ctx, s, ran)
}

// work is what takes time.
func (act Act) work(ctx context.Context, s goflow.Store, ran Ran) error {
	err := act.tell(ctx, s, began, Told{Ran: ran})
	second := errors.Is(err, goflow.ErrFinished)
	switch {
	case second && act.Sole:
		return goflow.Permanent(errors.Join(errTwice, act.tell(ctx, s, twice, Told{Ran: ran})))
	case err != nil && !second:
		return err
	}
	act.Hang = act.Hang && !second
	act.pass(ctx)
	if ctx.Err() == nil {
		return nil
	}
	err = act.tell(context.WithoutCancel(ctx), s, ended, Told{Ran: ran, Cause: context.Cause(ctx).Error()})
	return errors.Join(ctx.Err(), err)
}

// pass lets time pass.
func (act Act) pass(ctx context.Context) {
	done := ctx.Done()
	if act.Deaf {
		done = nil
	}
	if act.Hang {
		<-done
	}
	select {
	case <-time.After(time.Duration(act.Millis) * time.Millisecond):
	case <-done:
	}
}

// What is told.
const began, ended, twice = "began", "ended", "twice"

// tell keeps what a run tells as the outcome of a task of its own, so whoever
// wants to know waits for it. The first who tells it stands: ErrFinished.
func (act Act) tell(ctx context.Context, s goflow.Store, what string, told Told) error {
	if act.Tell == "" {
		return nil
	}
	told.At = time.Now()
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	err = s.Save(ctx, []goflow.Record{{
		ID: goflow.IDFrom(act.Tell + what), State: task.Done, Generation: 1, Result: text, Expires: told.At.Add(time.Hour),
	}})
	return port.ItemError(err, 0)
}
