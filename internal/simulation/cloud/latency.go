package cloud

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Latency is how long calls take in a simulation that is about speed.
type Latency struct {
	Queues, Table time.Duration // there and back, usually; within a tenth of it
}

// What is rare: one call of a hundred takes eight times as long as usual, half of
// them before they take effect.
const (
	tailChance = 0.005 // of each way
	tailHalves = 14    // more
)

// way draws how long a request, or an answer, is on its way: to the nanosecond, so
// that no two take effect at one instant.
func (l *Latency) way(r *rand.Rand, queues bool) time.Duration {
	half := l.Table / 2
	if queues {
		half = l.Queues / 2
	}
	d := between(r, half*9/10, half*11/10)
	if chance(r, tailChance) {
		d += tailHalves * half
	}
	return d
}

// wakes is how long a poll takes to notice a message.
const wakes = 100 * time.Microsecond

// alike names what calls have in common that draw from one stream. Without faults,
// the tasks that a call is about are as good as others, and which of those that end
// at one instant go together is chance that no seed repeats: so it must not count.
// Reads are in the order of those who wait, which is none.
func alike(op string, items []string) []string {
	if op == opRead {
		return items
	}
	return []string{strconv.Itoa(len(items))}
}
