package memory

import "time"

// BrokerOption changes what NewBroker makes.
type BrokerOption func(*Broker)

// Lease says how long a received message stays with its receiver unless that
// one extends it. The default is one minute.
func Lease(d time.Duration) BrokerOption {
	return func(b *Broker) { b.q.lease = d }
}

// PollWait says how long Receive waits for a message before it returns none.
// The default is 20 seconds; 0 is for ever.
func PollWait(d time.Duration) BrokerOption {
	return func(b *Broker) { b.q.pollWait = d }
}

// Retention says how long a message lives from the time on at which it was
// sent: an older one is never handed out. The default is seven days; 0 is for
// ever.
func Retention(d time.Duration) BrokerOption {
	return func(b *Broker) { b.q.retention = d }
}

// DeadLetter says where a message goes instead of being handed out once more
// than maxReceives times. As in SQS it keeps its ID, its attributes and the
// time at which it was sent. By default nothing is moved.
func DeadLetter(dead *Broker, maxReceives int) BrokerOption {
	return func(b *Broker) { b.q.dead, b.q.maxReceives = dead.q, int32(min(maxReceives, 1000)) } //nolint:gosec // SQS's limit is 1000
}

// MaxMessageBytes says how large a message may be, body and attributes
// together. The default is 1 MiB, SQS's largest; older queues have 256 KiB.
func MaxMessageBytes(n int) BrokerOption {
	return func(b *Broker) { b.maxBytes = n }
}

// Capacity says how many messages may wait or be delayed; above it Send blocks.
// SQS has no such limit, so the default is 0: any number.
func Capacity(n int) BrokerOption {
	return func(b *Broker) { b.q.capacity = n }
}

// Ordered makes the broker keep order, as a FIFO queue of SQS does, and strictly:
// the messages of a group are handed out as they were sent, none while another of
// its group is leased or was given back with a delay; a message without a group is
// a group of its own. A message whose ID was sent within the last five minutes is
// taken and dropped. Send answers port.ErrInvalid for a delay and for a message
// without an ID. The dead letters of such a broker need one that is Ordered too.
func Ordered() BrokerOption {
	return func(b *Broker) { b.q.order = newOrder() }
}
