// Package port declares what the core needs from the outside: a Broker that
// moves messages and a Store that keeps one record per task. Adapters
// implement them; programs pass them to goflow. The conformance suites in
// goflowtest say the same in tests.
//
// # Batches and errors
//
// Every method takes a batch and answers with one error: nil means that every
// item succeeded, an ItemErrors that the items it names failed and the others
// succeeded, any other error that nothing is known of any item. All methods
// may be called concurrently. None retries or paces: the core does.
//
// Errors are classified by the sentinels of this package, so that the core can
// decide without knowing a vendor. An adapter wraps the vendor's error together
// with the sentinel.
package port

import (
	"context"
	"time"
)

// Batch limits, the same for every implementation.
const (
	MaxMessages = 10  // items in a call of a Broker
	MaxWrites   = 25  // items in a writing call of a Store
	MaxReads    = 100 // IDs in Store.Load
)

// Broker moves messages, at least once. A call has 1 to MaxMessages items. The
// dead-letter queue is a second Broker.
type Broker interface {
	// Send makes messages durable. Per item: ErrTooLarge and ErrInvalid, which
	// no retry mends; ErrUnavailable, the message was surely not sent;
	// ErrAmbiguous, it may have been; ErrClosed. Sending again may deliver
	// twice. Messages that are small enough each are so together: how many
	// requests that takes is the broker's affair. Send blocks while a bounded
	// broker is full.
	Send(ctx context.Context, msgs []Message) error

	// Receive leases up to len(into) messages and returns how many; the n that
	// it returns counts whatever the error is. It blocks until there is a
	// message, or the broker's own wait is over (0, nil), or ctx ends: then it
	// returns as soon as it can without stranding messages, with nil or
	// ctx.Err(). ErrClosed: the broker is closed, and empty of what is leased
	// too, as that may come back.
	Receive(ctx context.Context, into []Delivery) (n int, err error)

	// Extend makes each lease end For from now: to keep it, to retry later, or,
	// with 0, to give the message back at once. Per item: ErrLeaseLost, it is
	// not ours any more; a broker that cannot know returns nil.
	Extend(ctx context.Context, leases []Lease) error

	// Ack ends deliveries for good. To ack twice, or under a lost lease, is no
	// error; whether the message then stays is the broker's affair.
	Ack(ctx context.Context, ds []Delivery) error
}

// Message is what a Broker moves. Exactly one of Body and Value is set.
type Message struct {
	// ID is the task's on the way in, "." and its generation behind it from its
	// first dead letter on: brokers may use it to recognise duplicates, and those
	// that keep order do for five minutes. On the way out it is the broker's own:
	// a UUID, the same each time that the message is delivered.
	ID string
	// Body is the encoded envelope. Brokers never look inside.
	Body []byte
	// Value is the envelope itself, only towards a broker that is InProcess.
	Value any
	// Attributes travel beside the body. At most ten; names match
	// [A-Za-z0-9_.-]{1,256}, values are not empty.
	Attributes map[string]string
	// Group is 1 to 128 visible ASCII characters. A broker that keeps order hands
	// out the messages of a group as they were sent, and none while an earlier one
	// is leased, which one that waits for its retry is; a message without a group
	// is a group of its own. Elsewhere groups are about fairness, or ignored.
	Group string
	// Delay is how long the message stays invisible: 0 to Limits.MaxDelay, and 0
	// towards a broker that keeps order.
	Delay time.Duration
}

// Delivery is a message under a lease.
type Delivery struct {
	Message
	// Receives is how often the message was handed out, this time included.
	// It is a hint: releases, throttles and lost answers raise it too.
	Receives int
	// Moved: the broker itself moved the message to the dead letters that it is
	// received from, as it was handed out too often.
	Moved bool
	// SentAt and FirstReceivedAt are read from the broker's clock.
	SentAt, FirstReceivedAt time.Time
	// LeaseEnd is when the lease ends, by this process's monotonic clock and
	// on the safe side. Zero: it never ends.
	LeaseEnd time.Time
	// Handle is the broker's own and names this lease, not the message.
	Handle any
}

// Lease asks that a delivery's lease end For from now; 0 gives it back.
type Lease struct {
	Delivery Delivery
	For      time.Duration
}

// Limits are what a broker allows. A zero field means that there is no limit.
type Limits struct {
	MaxMessageBytes int           // body and attributes together
	MaxDelay        time.Duration // of one message
	MaxReceives     int           // after so many receives the broker itself moves a message to the dead-letter queue
	Retention       time.Duration // how long a message lives from SentAt on
	Lease           time.Duration // of a received message; zero: leases never end
	PollWait        time.Duration // how long Receive blocks when there is nothing
	Ordered         bool          // the broker keeps order: see Message.Group
}
