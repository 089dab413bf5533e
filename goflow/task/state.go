package task

import "strconv"

// State is where a task stands. States only move forward: from Unknown or Open
// to one of the terminal ones, which are final until the task is redriven.
type State uint8

const (
	// Unknown means that there is no record: the task is queued, running for
	// the first time, expired from the store, or never existed.
	Unknown State = iota
	// Open means that there is a record, but no outcome yet.
	Open
	// Done means that the task succeeded and its result is stored.
	Done
	// Dead means that the task failed for good. Record.Error says why.
	Dead
	// Cancelled means that a client cancelled it before it had an outcome.
	Cancelled
	// Expired means that its time to live was over before it could run.
	Expired
)

// Terminal reports whether s is an outcome: Done, Dead, Cancelled or Expired.
func (s State) Terminal() bool { return s >= Done }

// String returns the state's name in lower case, as the CLI prints it.
func (s State) String() string {
	names := [...]string{"unknown", "open", "done", "dead", "cancelled", "expired"}
	if int(s) >= len(names) {
		return "state(" + strconv.Itoa(int(s)) + ")"
	}
	return names[s]
}
