package goflow

import "time"

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
