package goflow

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// NoResult makes a job forget its successes: nothing is written for one, the
// message is just deleted, which saves a write per task. Failures are recorded
// as ever, and a task that has a record, by a retry, by Track or by an ID of its own,
// is Done in it, without a result. Job.Wait is refused with ErrNoResult, and Client.Wait
// for a task without a record ends with its context unless the task fails. NewJob
// refuses it beside Once.
func NoResult() JobOption {
	return jobOption(func(j *jobOptions) error { j.noResult = true; return nil })
}

// Result is the result of one task among others.
type Result[Out any] struct {
	ID    string
	Value Out
}

// Wait returns the result of a task of this job, or a *TaskError when it
// failed, was cancelled (ErrCancelled) or expired (ErrExpired). ErrNoResult: the
// job is NoResult. Other errors are those of Client.Wait.
func (j *Job[In, Out]) Wait(ctx context.Context, c *Client, id string) (Out, error) {
	var out Out
	if err := j.keepsResults(); err != nil {
		return out, err
	}
	rec, ok := c.peek(id)
	if !ok {
		var err error
		if rec, err = c.wait(ctx, id); err != nil {
			return out, err
		}
	}
	return j.result(&rec)
}

// WaitAll yields the results of tasks of this job in the order in which they
// come, as Client.WaitAll does. An error is yielded with the ID that it belongs
// to, and is one of those of Wait; ErrNoResult, without an ID, ends it at once.
func (j *Job[In, Out]) WaitAll(ctx context.Context, c *Client, ids []string) iter.Seq2[Result[Out], error] {
	return func(yield func(Result[Out], error) bool) {
		if err := j.keepsResults(); err != nil {
			yield(Result[Out]{}, err)
			return
		}
		for rec, err := range c.WaitAll(ctx, ids) {
			r := Result[Out]{ID: rec.ID}
			if err == nil {
				r.Value, err = j.result(&rec)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// WaitAny returns the result of the first of the tasks that has an outcome, or
// the *TaskError of that task. Other errors are those of Client.WaitAny and Wait.
func (j *Job[In, Out]) WaitAny(ctx context.Context, c *Client, ids []string) (r Result[Out], err error) {
	if err := j.keepsResults(); err != nil {
		return r, err
	}
	rec, err := c.WaitAny(ctx, ids)
	if err != nil {
		return r, err
	}
	r.ID = rec.ID
	r.Value, err = j.result(&rec)
	return r, err
}

func (j *Job[In, Out]) keepsResults() error {
	if j.opts.noResult {
		return fmt.Errorf("goflow: wait for %s: %w: it is NoResult", j.name, ErrNoResult)
	}
	return nil
}

// result reads the result in a record that is terminal.
func (j *Job[In, Out]) result(rec *Record) (Out, error) {
	if rec.State != task.Done {
		var out Out
		return out, &TaskError{ID: rec.ID, State: rec.State, Attempts: rec.Attempts, Reason: rec.Error}
	}
	if v, ok := rec.Value.(Out); ok {
		return v, nil
	}
	return decodeResult[Out](rec)
}

func decodeResult[Out any](rec *Record) (out Out, err error) {
	raw := rec.Result
	if rec.Value != nil {
		if raw, err = marshal(rec.Value); err != nil {
			return out, fmt.Errorf("goflow: result of task %s: %w", rec.ID, err)
		}
	}
	if len(raw) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("goflow: result of task %s: %w", rec.ID, err)
	}
	return out, nil
}
