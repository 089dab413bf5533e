package goflow

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Errors of the ports that programs meet; see package port for all of them.
var (
	// ErrTooLarge: the payload does not fit into a message of this broker.
	ErrTooLarge = port.ErrTooLarge
	// ErrInvalid: a bad task type, payload or option.
	ErrInvalid = port.ErrInvalid
	// ErrUnavailable: the broker or store is throttled or unreachable. The task
	// was not pushed.
	ErrUnavailable = port.ErrUnavailable
	// ErrAmbiguous: the task may have been pushed, the answer is lost.
	ErrAmbiguous = port.ErrAmbiguous
	// ErrRefused: the queue or table is missing, or may not be used.
	ErrRefused = port.ErrRefused
	// ErrClosed: the client or GoFlow is closed.
	ErrClosed = port.ErrClosed
	// ErrFinished: the task has an outcome already.
	ErrFinished = port.ErrFinished
)

// Errors of the core.
var (
	// ErrNotFound: no record, and the ID is so old that none can come.
	ErrNotFound = errors.New("task not found: it never existed or its record has expired")
	// ErrNotFinished: the wait is over and there is no outcome yet, or the ID
	// is unknown; the two look alike until the record's time to live is over.
	ErrNotFinished = errors.New("task is not finished or not known")
	// ErrDuplicateTask: the ID is that of a task with another type or payload.
	ErrDuplicateTask = errors.New("another task has this ID")
	// ErrNotUnique: another task holds the key; see NotUniqueError.
	ErrNotUnique = errors.New("another task holds the key")
	// ErrUnknownType: no handler is registered for the task's type.
	ErrUnknownType = errors.New("no handler for this task type")
	// ErrTimeout is the cause with which a run's context ends when its time is
	// over.
	ErrTimeout = errors.New("task timed out")
	// ErrStopping is the cause with which a run's context ends when its worker
	// stops. Such a run is not counted as an attempt.
	ErrStopping = errors.New("worker is stopping")
	// ErrLeaseLost is the cause with which a run's context ends when its
	// message went to another worker.
	ErrLeaseLost = port.ErrLeaseLost
	// ErrCancelled: the task was cancelled. A *TaskError is ErrCancelled if its
	// State says so, and it is the cause with which the context of a running
	// task ends, if its job is Cancellable or Once.
	ErrCancelled = errors.New("task was cancelled")
	// ErrExpired: the task's time to live was over before it could run. A
	// *TaskError is ErrExpired if its State says so.
	ErrExpired = errors.New("task has expired")
	// ErrNoResult: the job is NoResult, so nobody can wait for its results.
	ErrNoResult = errors.New("job keeps no results")
	// ErrStuck: as many handlers ignore their ended context as the worker can
	// run at a time.
	ErrStuck = errors.New("every slot is held by a handler that ignores its context")
	// ErrAlreadyStarted is returned by GoFlow.Start and Worker.Run when it was started
	// before.
	ErrAlreadyStarted = errors.New("goflow: already started")
	// ErrNotStarted is returned by GoFlow's methods before Start.
	ErrNotStarted = errors.New("goflow: not started")
)

// TaskError says why a task has no result. Job.Wait returns it for a task that
// is Dead, Cancelled or Expired; errors.Is finds ErrCancelled and ErrExpired in
// it, and what is neither has failed.
type TaskError struct {
	ID       string
	State    task.State
	Attempts int    // that failed
	Reason   string // the handler's last error
}

// Error names the task, its state and the reason.
func (e *TaskError) Error() string {
	msg := "task " + e.ID + " is " + e.State.String()
	if e.Reason != "" {
		msg += ": " + e.Reason
	}
	return msg
}

// Is makes a TaskError what its State says.
func (e *TaskError) Is(target error) bool {
	return target == ErrCancelled && e.State == task.Cancelled || target == ErrExpired && e.State == task.Expired
}

// NotUniqueError says which task holds the key of a push that was refused. It is
// ErrNotUnique.
type NotUniqueError struct {
	Key     string
	OwnerID string // the ID of the task that holds it
}

// Error names the key and the task that holds it.
func (e *NotUniqueError) Error() string {
	return fmt.Sprintf("%v: %.60q is held by task %s", ErrNotUnique, e.Key, e.OwnerID)
}

// Unwrap returns ErrNotUnique.
func (e *NotUniqueError) Unwrap() error { return ErrNotUnique }

// PanicError is the failure of a handler that panicked.
type PanicError struct {
	Value string // what it panicked with, as text
	Stack []byte
}

// Error shows the value only; the stack is for the log.
func (e *PanicError) Error() string { return "panic: " + e.Value }

// AbandonedError is returned by Worker.Run and GoFlow.Close when the drain
// time was over before these tasks had ended. Another worker runs them again, but
// nobody those of local mode.
type AbandonedError struct{ IDs []string }

// Error names the tasks.
func (e *AbandonedError) Error() string {
	return fmt.Sprintf("%d tasks abandoned after the drain time: %s", len(e.IDs), strings.Join(e.IDs, ", "))
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks a handler's error as one that no retry mends: the task is
// dead at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type retryAfterError struct {
	err   error
	after time.Duration
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter sets the pause before the next attempt, in place of the backoff:
// 0 to 11 hours. The attempt counts. RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfterError{err: err, after: min(max(d, 0), maxDelay)}
}

type snoozeError struct{ after time.Duration }

func (e *snoozeError) Error() string { return "snoozed for " + e.after.String() }

// Snooze lets a handler put its task off: it runs again after d, 0 to 11 hours,
// and no attempt is used. A task is dead when it is put off beyond what the
// broker keeps: the retention of its message, or the number of its receives.
func Snooze(d time.Duration) error { return &snoozeError{after: min(max(d, 0), maxDelay)} }
