// Package task holds the words that every other package shares: what a task
// is, what a handler looks like in its simplest form, and the states of a
// task's life. It imports nothing of
// GoFlow.
package task

// Handler runs a task in local mode or in a worker. It takes the payload and
// answers with a Result; a non-empty Result.ErrMsg means that the task failed.
//
// Handlers that want a context, typed values and retries are written with
// goflow.NewJob instead.
type Handler func(payload any) Result

// Task is one unit of work, as a producer describes it.
type Task struct {
	// ID names the task. A producer leaves it empty: Push makes one.
	ID string
	// Type selects the handler. It matches [A-Za-z0-9._:-]{1,128}.
	Type string
	// Payload is what the handler gets. Outside local mode it has to survive
	// encoding/json.
	Payload any
}

// Result is what a handler answers, and what GetResult returns.
type Result struct {
	// TaskID is set by GoFlow, whatever the handler puts there.
	TaskID string
	// Payload is the answer of a task that succeeded.
	Payload any
	// ErrMsg says why the task failed. Empty: it succeeded.
	ErrMsg string
}
