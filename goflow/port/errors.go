package port

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// What can go wrong with an item or a call. Adapters wrap these, so that
// errors.Is finds them beside the vendor's own error.
var (
	// ErrTooLarge: the message or record is over the size limit. Final.
	ErrTooLarge = errors.New("too large")
	// ErrInvalid: the item breaks a rule of the broker or store. Final.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable: throttled, unreachable or failing; nothing was done.
	ErrUnavailable = errors.New("unavailable")
	// ErrAmbiguous: the request may have been carried out; its answer is lost.
	ErrAmbiguous = errors.New("outcome unknown")
	// ErrRefused: missing queue or table, wrong credentials, no permission.
	// Nobody can mend this but a person.
	ErrRefused = errors.New("refused")
	// ErrClosed: the broker, client or worker is closed.
	ErrClosed = errors.New("closed")
	// ErrLeaseLost: the delivery's lease is over.
	ErrLeaseLost = errors.New("lease lost")
	// ErrFinished: the task has a terminal record, which stands.
	ErrFinished = errors.New("task has finished")
	// ErrFenced: a later claim holds the task.
	ErrFenced = errors.New("fenced out by a later claim")
	// ErrClaimed: another worker runs the task right now.
	ErrClaimed = errors.New("claimed by another worker")
)

// ItemErrors says which items of a batch failed, by their index. Items that
// are not named succeeded.
type ItemErrors map[int]error

// Error names the failure of the lowest index and how many there are.
func (e ItemErrors) Error() string {
	if len(e) == 0 {
		return "no item failed"
	}
	first := slices.Min(slices.Collect(maps.Keys(e)))
	return fmt.Sprintf("%d failed, first item %d: %v", len(e), first, e[first])
}

// Unwrap returns the items' errors in order, for errors.Is and errors.As.
func (e ItemErrors) Unwrap() []error {
	errs := make([]error, 0, len(e))
	for _, i := range slices.Sorted(maps.Keys(e)) {
		errs = append(errs, e[i])
	}
	return errs
}

// Err returns e, or nil when no item failed: return it from batch methods, as
// an empty ItemErrors is not a nil error.
func (e ItemErrors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// HeldBack is the error, ErrUnavailable, of a task that would overtake an earlier one of
// its group, which was not sent.
func HeldBack(group string) error {
	return fmt.Errorf("%w: not sent, as an earlier task of group %s was not", ErrUnavailable, group)
}

// ItemError returns the error of item i, given what a batch method returned:
// nil when the item succeeded, the whole error when nothing is known of it.
func ItemError(err error, i int) error {
	if items, ok := errors.AsType[ItemErrors](err); ok {
		return items[i]
	}
	return err
}
