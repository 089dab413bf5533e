package sqs

// NewFake returns a Broker over a fake.
func NewFake(a API, opts ...Option) *Broker {
	return New(a, "http://sqs.test/000000000000/tasks", opts...)
}

// QueueURL is for tests that have to name the queue of a Broker.
func (b *Broker) QueueURL() string { return b.queueURL }

// MaxReceives is how a redrive policy is read.
func MaxReceives(policy string) int { return maxReceives(policy) }

// MoveAPI is what a fake that moves has to be.
type MoveAPI = moveAPI

// MoveBy and CancelMoveBy are Move and CancelMove over a fake.
var (
	MoveBy       = move
	CancelMoveBy = cancelMove
)

// NewFakeFIFO is NewFake for a queue that keeps order.
func NewFakeFIFO(a API, opts ...Option) *Broker {
	return New(a, "http://sqs.test/000000000000/tasks.fifo", opts...)
}

// What SQS allows, as the adapter knows it.
const (
	MaxBytes    = maxBytes
	MaxDelay    = maxDelay
	MaxLease    = maxLease
	MaxPollWait = maxPollWait
)
