package goflow

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Wait returns the task's record as soon as it has an outcome, whatever the
// outcome is; Job.Wait returns the result itself. Errors:
//   - ErrInvalid: id is not a UUID;
//   - ErrNotFinished and ctx.Err(): ctx ended before there was an outcome, or
//     the task is not known;
//   - ErrNotFound: there is no record and none can come;
//   - ErrClosed: the client was closed meanwhile, or is closed and the task has
//     no outcome;
//   - the store's error.
//
// A task of a NoResult job that succeeds leaves nothing to wait for, which only
// Job.Wait can know: this Wait then ends with its context.
//
// All who wait on one client share its reads: of up to a hundred records in a
// call, twenty times a second while outcomes come, and ever less while none do,
// down to once in five seconds. A read may be a moment behind, for half the
// price. What is final is remembered for a minute, so that to wait or Get again
// costs nothing; a failed task may be redriven, so that is read again.
func (c *Client) Wait(ctx context.Context, id string) (Record, error) {
	if rec, ok := c.peek(id); ok {
		return rec, nil
	}
	return c.wait(ctx, id)
}

// wait is Wait for a task that has no outcome yet.
func (c *Client) wait(ctx context.Context, id string) (Record, error) {
	if c.local != nil {
		return c.local.waits.wait(ctx, id)
	}
	return c.waitForOne(ctx, id)
}

func (c *Client) waitForOne(ctx context.Context, id string) (rec Record, err error) {
	for rec, err = range c.WaitAll(ctx, []string{id}) {
		break
	}
	return rec, err
}

// WaitAll yields each task's record as soon as it has an outcome, in the order
// in which they come. An error is yielded with the ID that it belongs to, and
// the others go on; the errors are those of Wait. A task that is named twice is
// yielded once, and IDs are in lower case; no IDs yield nothing. Once ctx ends, what is left is yielded
// with ErrNotFinished.
func (c *Client) WaitAll(ctx context.Context, ids []string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		good, bad := distinct(ids)
		for _, id := range bad {
			if !yield(Record{ID: id}, invalidID(id)) {
				return
			}
		}
		w := c.waiters.join(ctx, good)
		defer c.waiters.leave(w)
		for f := range w.findings(ctx, good) {
			if !yield(f.rec, f.err) {
				return
			}
		}
	}
}

// WaitAny returns the record of the first of the tasks that has an outcome. A
// task that cannot be found any more is left out, until none is left: then
// ErrNotFound. No IDs, or one that is not a UUID, are ErrInvalid; else the
// errors are those of Wait.
func (c *Client) WaitAny(ctx context.Context, ids []string) (Record, error) {
	if len(ids) == 0 {
		return Record{}, fmt.Errorf("goflow: WaitAny: %w list of task IDs: it is empty, give one or more", ErrInvalid)
	}
	var last error
	for rec, err := range c.WaitAll(ctx, ids) {
		switch {
		case err == nil:
			return rec, nil
		case errors.Is(err, ErrNotFinished):
			return Record{}, unfinished(ctx, fmt.Sprintf("any of %d tasks", len(ids)))
		case !errors.Is(err, ErrNotFound):
			return Record{}, err
		}
		last = err
	}
	return Record{}, last
}

func unfinished(ctx context.Context, what string) error {
	return fmt.Errorf("goflow: wait for %s: %w: %w", what, ErrNotFinished, ctx.Err())
}

func invalidID(id string) error {
	_, err := normalID(id)
	return err
}

// distinct returns each ID once, those that can be in the form of records, and
// those that cannot.
func distinct(ids []string) (good, bad []string) {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		to := &good
		if u, ok := parseID(id); ok {
			id = formatID(u)
		} else {
			to = &bad
		}
		if !seen[id] {
			seen[id] = true
			*to = append(*to, id)
		}
	}
	return good, bad
}
