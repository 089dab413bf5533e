// Package history is what happened in a simulation, as its checkers read it.
package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind says what happened.
type Kind string

// What happens to tasks, messages, rows and processes.
const (
	Pushing   Kind = "pushing"   // a client begins to push a task
	Pushed    Kind = "pushed"    // Text is how it ended: ok, ambiguous, rejected, refused
	Began     Kind = "began"     // a handler
	Ended     Kind = "ended"     // a handler; Text is its result, or its error
	Sent      Kind = "sent"      // a message came into a queue; Text is its body
	Received  Kind = "received"  // a message was handed out, N its receive count
	Touched   Kind = "touched"   // somebody begins to change a lease; N is 1 when it was over
	Deleted   Kind = "deleted"   // a message went out of a queue
	Moved     Kind = "moved"     // a message had too many receives
	Wrote     Kind = "wrote"     // a row changed, from Before to After
	Held      Kind = "held"      // a push was refused; Text is the ID of the task that holds its key
	Deleting  Kind = "deleting"  // a process asks for a delete
	Undeleted Kind = "undeleted" // it was told that this one of a batch has failed
	Wrong     Kind = "wrong"     // a call is one that AWS refuses, whoever makes it; Text says why
	Cancelled Kind = "cancelled" // a client has cancelled a task, or Text says that it failed
	Redriving Kind = "redriving" // an operator sends a dead letter back
	Reading   Kind = "reading"   // a client begins to get a task's record
	Read      Kind = "read"      // After is what it got
	Started   Kind = "started"   // a process
	Killed    Kind = "killed"    // a process
	Paused    Kind = "paused"    // a process
	Stopping  Kind = "halting"   // a worker was told to stop, whose last receive began N seconds ago
	Stopped   Kind = "stopped"   // a worker has stopped; Text is the error
	Fault     Kind = "fault"     // Text is its kind
)

// Row is what a table says of a task.
type Row struct {
	State, Generation           int
	Attempts, GiveBacks, Starts int
	Epoch                       int
	Reason, Result              string
}

// Event is one thing that happened.
type Event struct {
	At    time.Duration // since the beginning
	Actor string
	Kind  Kind
	Task  string // its ID
	N     int
	// Generation of the task, where one is known.
	Generation int
	Text       string
	Before     *Row // nil: there was none
	After      *Row
	// Ends and Expires are how long after a write the claim and the record last, by
	// the clock of the service; 0: there is none, or it lasts for ever.
	Ends, Expires time.Duration
}

// String is a line of the log.
func (e *Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%14.9fs %-12s %-9s", e.At.Seconds(), e.Actor, e.Kind)
	if e.Task != "" {
		b.WriteString(" " + e.Task)
	}
	if e.N != 0 {
		fmt.Fprintf(&b, " #%d", e.N)
	}
	if e.Generation > 1 {
		fmt.Fprintf(&b, " generation %d", e.Generation)
	}
	if e.Text != "" {
		b.WriteString(" " + e.Text)
	}
	if e.Before != nil {
		fmt.Fprintf(&b, " from %+v", *e.Before)
	}
	if e.After != nil {
		fmt.Fprintf(&b, " to %+v", *e.After)
	}
	if e.Ends != 0 {
		fmt.Fprintf(&b, " claimed for %v", e.Ends)
	}
	if e.Expires != 0 {
		fmt.Fprintf(&b, " expires in %v", e.Expires)
	}
	return b.String()
}

// Log is written by all actors.
type Log struct {
	start time.Time

	mu     sync.Mutex
	events []Event
}

// NewLog returns an empty log that begins now.
func NewLog() *Log { return &Log{start: time.Now()} }

// Now is how long the simulation has been running.
func (l *Log) Now() time.Duration { return time.Since(l.start) }

// Add writes an event down.
func (l *Log) Add(e Event) {
	e.At = l.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// Events returns what has happened, in an order that does not depend on that of
// goroutines within one instant.
func (l *Log) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortStableFunc(l.events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Task, b.Task), cmp.Compare(a.N, b.N), cmp.Compare(a.Text, b.Text))
	})
	return l.events
}
