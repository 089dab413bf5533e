package sqs

// QueueURL is for tests that have to name the queue of a Broker.
func (b *Broker) QueueURL() string { return b.queueURL }
