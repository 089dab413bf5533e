package goflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Job is a typed task definition: its name, payload, result and policy, shared
// by those who push it and those who run it. Make one with NewJob.
type Job[In, Out any] struct {
	name  string
	opts  jobOptions
	plain *envelope // of a push without options, but for ID and payload
}

// NewJob defines a job. Its name is the task type on the wire and matches
// [A-Za-z0-9._:-]{1,128}. NewJob panics on a bad name or option, so that a job
// can be a package variable.
func NewJob[In, Out any](name string, opts ...JobOption) *Job[In, Out] {
	return &Job[In, Out]{name: name, opts: mustJobOptions(name, opts), plain: plainEnvelope(name)}
}

func mustJobOptions(name string, opts []JobOption) (j jobOptions) {
	errs := []error{validType(name)}
	for _, o := range opts {
		errs = append(errs, o.applyJob(&j))
	}
	if j.noResult && j.once {
		errs = append(errs, invalid("NoResult() beside Once(): to run a task once, its outcome has to be kept"))
	}
	if err := errors.Join(errs...); err != nil {
		panic(err.Error())
	}
	return j
}

// Name returns the job's name.
func (j *Job[In, Out]) Name() string { return j.name }

// Handle registers fn on m. Its error is retried by the job's policy unless it
// is Permanent; a payload that is not an In is dead at once. Handle panics
// when the type is taken.
func (j *Job[In, Out]) Handle(m *Mux, fn func(ctx context.Context, in In) (Out, error)) {
	if fn == nil {
		panic("goflow: nil handler for task type " + j.name)
	}
	m.add(j.name, &entry{j.opts, func(ctx context.Context, p payload) (any, error) {
		if typed, ok := p.local.(*typedTask[In]); ok {
			return fn(ctx, typed.in)
		}
		in, err := untyped[In](p)
		if err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}})
}

// untyped is a payload that was not pushed by such a job.
func untyped[In any](p payload) (in In, err error) {
	if v, ok := p.value(); ok {
		if in, ok = v.(In); ok {
			return in, nil
		}
	}
	if err := p.decode(&in); err != nil {
		return in, Permanent(fmt.Errorf("payload: %w", err))
	}
	return in, nil
}

// Push queues a task of this job and returns its ID; see Client.Push.
func (j *Job[In, Out]) Push(ctx context.Context, c *Client, in In, opts ...PushOption) (string, error) {
	if c.local != nil && len(opts) == 0 && j.opts.queue == "" {
		return c.local.push(ctx, c, &typedTask[In]{localTask: localTask{env: j.plain}, in: in})
	}
	return c.pushOne(ctx, task.Task{Type: j.name, Payload: in}, j.opts.routed(opts))
}
