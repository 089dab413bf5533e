package goflow

import (
	"context"
	"time"
)

// Action is what a home does with a delivery once it is processed.
type Action uint8

const (
	// Ack ends the delivery: its outcome is stored.
	Ack Action = iota
	// Release gives the message back to be delivered again after Outcome.After.
	Release
	// Leave touches nothing: the lease ends by itself, or is another's already.
	Leave
)

// Outcome is what became of one delivery.
type Outcome struct {
	Action Action
	After  time.Duration // of a Release
	// Err is why nothing could be stored or read. ErrRefused and ErrStuck mean
	// that the home should stop.
	Err error

	interrupted bool // the run was cut off because the worker stops
	postponed   bool // a suspect that has to wait, as custody.suspectsWait asks
	movedOn     bool // a copy of the message carries the task on
}

// comesAgain releases what is left because of trouble where no lease ends by itself, as
// late as the usual one would.
func (o Outcome) comesAgain(d *Delivery) Outcome {
	if o.Action == Leave && o.Err != nil && d.LeaseEnd.IsZero() {
		o.Action, o.After = Release, DefaultLease
	}
	return o
}

// custody is how a home holds a delivery while it is processed. The zero value
// is a home that promises nothing.
type custody struct {
	hold *hold // the keeper's, which renews lease and claim; nil: nobody does
	// returned is called when the handler has returned and only the settling is
	// left; nil: nobody asks.
	returned func()
	// until is when the home's own time is over, and with it everything that
	// still runs; zero: never.
	until time.Time
	// grace is what a handler gets to return after its context ended; zero:
	// handlerGrace.
	grace time.Duration
	// since is when the home received the delivery; zero: just now.
	since time.Time
	// suspectsWait: the others of the batch are not settled yet.
	suspectsWait bool
	// deaf is called when a Once handler has not returned in its grace, so that
	// the delivery is kept until it does; nil: nobody asks.
	deaf func()
	// unbounded is what outcomes are stored under where the store is in this process
	// and takes no time; nil: they are given settleTime.
	unbounded context.Context //nolint:containedctx // it outlives every call of this home
	room      *[1]Record      // for what is stored then
}
