// Package child runs each contender in a process of its own, so that what it
// allocates and computes is its own, and is told what to do by lines of JSON on
// standard input. celery/contender.py speaks the same language.
package child

import "github.com/jamesTait-jt/goflow/bench/internal/contend"

// What can be asked for.
const (
	DoMake  = "make"  // a contender by Settings; it answers when it can be pushed to
	DoWork  = "work"  // its workers start
	DoPush  = "push"  // Tasks of Bytes each, by Pushers at a time; answers with Seconds
	DoAwait = "await" // their results, each once; answers with Seconds
	DoPace  = "pace"  // Tasks, one about every Gap seconds; answers with Latencies
	DoUsage = "usage" // answers with Allocations and Processor
)

// Pushers is how many goroutines push at a time. Celery has ten threads, which is
// as many connections as it keeps.
const Pushers = 100

// Order is one line of standard input.
type Order struct {
	Do       string           `json:"do"`
	Settings contend.Settings `json:"settings,omitzero"`
	Tasks    int              `json:"tasks,omitempty"`
	Bytes    int              `json:"bytes,omitempty"` // of each payload
	Gap      float64          `json:"gap,omitempty"`   // s
}

// Answer is one line of standard output: exactly one for each order.
type Answer struct {
	Error     string    `json:"error,omitempty"`
	Seconds   float64   `json:"seconds,omitempty"`
	Latencies []float64 `json:"latencies,omitempty"` // s
	Usage
}

// Usage is what the process has used since it began.
type Usage struct {
	Allocations float64 `json:"allocations"` // objects; below 0: nobody counts them
	Processor   float64 `json:"processor"`   // s, user and system
}
