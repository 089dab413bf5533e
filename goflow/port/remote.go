package port

import (
	"context"
	"time"
)

// MaxPushes is how many items Remote.Push takes in a call.
const MaxPushes = 100

// Remote is what a client that has no broker and no store of its own works
// through: a server that has them. All methods may be called concurrently. Unlike
// a port, a Remote itself retries what may be retried.
type Remote interface {
	// Push queues 1 to MaxPushes tasks, those of a group in their order. Per item:
	// ErrInvalid, ErrTooLarge, ErrUnavailable, ErrRefused, ErrClosed or the
	// context's error, the task was surely not queued; ErrAmbiguous, it may have
	// been; goflow.ErrDuplicateTask and a goflow.NotUniqueError as the options say.
	// Where an ID is empty it makes one and sets it.
	Push(ctx context.Context, pushes []Push) error

	// Load is that of Store, and so are its errors.
	Load(ctx context.Context, ids []string, fresh bool) ([]Record, error)

	// Cancel gives a task the outcome Cancelled if it has none yet, and returns the
	// record that stands then. ErrFinished: another outcome stands.
	Cancel(ctx context.Context, id string) (Record, error)
}

// Push is one task on its way in, with what its push asks for. A zero field asks
// for nothing.
type Push struct {
	// ID is the task's, a UUID; empty: the remote side makes one.
	ID string
	// Chosen: the program chose the ID, so that pushing it again is one task.
	Chosen bool
	Type   string
	// Payload is JSON; empty is null.
	Payload []byte
	Headers map[string]string
	// Queue is the name of a queue that the remote side knows; "" is its own.
	Queue            string
	Delay, ExpiresIn time.Duration
	Track            bool
	// UniqueKey is held for UniqueFor at the longest.
	UniqueKey string
	UniqueFor time.Duration
	// Group keeps the order of a FIFO queue, FairKey is that of a fair one.
	Group, FairKey string
	// The retry policy of this task alone.
	MaxAttempts                      int
	Timeout, BackoffBase, BackoffCap time.Duration
}
