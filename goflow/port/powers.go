package port

import (
	"context"
	"time"
)

// Extra powers of a broker or store. The core finds each by one type
// assertion. A wrapper forwards them by name or not at all, never by
// embedding: an embedded power would be promised without the wrapper.

// InProcess marks a broker that keeps Message.Value, or a store that keeps
// Record.Value, as the Go value that it was given: nothing is encoded.
type InProcess interface{ InProcess() }

// Putter is a Broker that is InProcess and takes a message that is nothing but an ID and
// a Value with less effort than Send, to which it is equal otherwise. sentAt is when the
// message was made, a moment ago.
type Putter interface {
	Put(ctx context.Context, id string, value any, sentAt time.Time) error
}

// Awaiter is a Store that can wake a waiter. Await returns the record as soon
// as it is terminal, or ctx.Err(). Without it the core polls.
type Awaiter interface {
	Await(ctx context.Context, id string) (Record, error)
}

// Notifier is a Store that is InProcess and serves any number of waiters for nothing
// but a look: none blocks.
type Notifier interface {
	// Peek returns the record of a task that has an outcome; false: there is none yet.
	Peek(id string) (Record, bool)
	// Notify is Peek, and where there is no outcome yet, it is sent to ended when there
	// is. Nothing is sent to a channel that has no room.
	Notify(id string, ended chan<- struct{}) (Record, bool)
	// Unnotify takes Notify back, as everybody has to for whom there was no outcome yet.
	// It returns the record with the outcome if that has come since, whatever the store
	// has forgotten meanwhile. Nothing is sent after it.
	Unnotify(id string, ended chan<- struct{}) (Record, bool)
}

// Checker says whether the broker or store is there and may be used, in one
// line that names what is missing and how to get it. ErrRefused or
// ErrUnavailable.
type Checker interface {
	Check(ctx context.Context) error
}

// Limiter is a Broker that knows its limits.
type Limiter interface {
	Limits(ctx context.Context) (Limits, error)
}

// Orderer is a Broker that knows without a call whether it keeps order: see
// Message.Group. Its limits say the same.
type Orderer interface{ Ordered() bool }

// Sizer is a Broker that can estimate how much it holds.
type Sizer interface {
	Size(ctx context.Context) (Size, error)
}

// Size is an estimate of what a broker holds.
type Size struct {
	Waiting int // ready to be received
	Leased  int // received, not acked
	Delayed int // not ready yet
}
