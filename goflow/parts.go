package goflow

import (
	"fmt"
	"reflect"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// complete refuses a worker without a part.
func complete(b Broker, s Store, m *Mux) error {
	switch {
	case b == nil:
		return lacks("worker", "broker")
	case s == nil:
		return lacks("worker", "store")
	case m == nil:
		return lacks("worker", "Mux")
	}
	return nil
}

func lacks(whole, part string) error {
	return fmt.Errorf("goflow: %w %s: its %s is nil: give one", ErrInvalid, whole, part)
}

// apart refuses dead letters in a queue that is worked on: the death of a task would be
// its redrive, for ever.
func apart(name string, dead Broker, queues ...Broker) error {
	for _, b := range queues {
		if same(b, dead) {
			return invalid("DeadLetters: those of queue %q go to a queue that this worker receives from, and would run for ever: give them one of their own", name)
		}
	}
	return nil
}

// same tells whether two brokers are one. Those that cannot be compared are not, where ==
// would panic.
func same(a, b Broker) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// alike refuses a queue and dead letters that cannot take what is in it, and those of
// which only one keeps order.
func alike(name string, b, dead Broker) error {
	if inProcess(b) && dead != nil && !inProcess(dead) {
		return invalid("DeadLetters: queue %q is in this process, and its dead-letter queue is not, so it cannot take Go values: give one that is, or NoDeadLetters", name)
	}
	queue, ok := b.(port.Orderer)
	letters, too := dead.(port.Orderer)
	switch {
	case !ok || !too || queue.Ordered() == letters.Ordered():
		return nil
	case queue.Ordered():
		return invalid("DeadLetters: of queue %q and its dead-letter queue only the first keeps order, and dead letters would lose theirs: give both, or neither", name)
	}
	return invalid("DeadLetters: of queue %q and its dead-letter queue only the second keeps order: give both, or neither", name)
}
