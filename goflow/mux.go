package goflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Handler is a run of one task as middleware sees it: payload and result stay
// typed, out of sight.
type Handler func(ctx context.Context) error

// Middleware wraps every handler of a Mux: for logs, metrics, limits. It
// learns of the task by TaskFromContext.
type Middleware func(next Handler) Handler

// Mux maps task types to handlers. The zero value is ready to use, and a Mux
// may be changed while workers use it.
type Mux struct {
	mu         sync.RWMutex
	entries    map[string]*entry
	middleware []Middleware
	seed       func(taskType string) (task.Handler, bool) // local mode's handler store
}

// entry is how a type is run: call decodes the payload and returns the result.
type entry struct {
	jobOptions
	call func(ctx context.Context, e *envelope) (any, error)
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{} }

// Use adds middleware; the first added is the outermost.
func (m *Mux) Use(mw ...Middleware) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.middleware = append(m.middleware, mw...)
}

// Handle registers a handler of the simple form. Its payload is the JSON value
// as encoding/json decodes it into an any, or in local mode the Go value that
// was pushed. It runs once unless MaxAttempts says otherwise. Handle panics on
// a bad type or option, a nil handler and a type that is taken, as
// http.ServeMux does: these are mistakes of the program.
func (m *Mux) Handle(taskType string, h task.Handler, opts ...JobOption) {
	if h == nil {
		panic("goflow: nil handler for task type " + taskType)
	}
	m.add(taskType, seedEntry(h, mustJobOptions(taskType, opts)))
}

// Types returns the registered task types, sorted.
func (m *Mux) Types() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.entries))
}

func (m *Mux) add(taskType string, e *entry) {
	if err := validType(taskType); err != nil {
		panic(err.Error())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.entries[taskType]; taken {
		panic("goflow: task type " + taskType + " has a handler already")
	}
	if m.entries == nil {
		m.entries = map[string]*entry{}
	}
	m.entries[taskType] = e
}

// lookup returns nil for an unknown type.
func (m *Mux) lookup(taskType string) *entry {
	m.mu.RLock()
	e, ok := m.entries[taskType]
	seed := m.seed
	m.mu.RUnlock()
	if !ok && seed != nil {
		if h, found := seed(taskType); found && h != nil {
			return seedEntry(h, jobOptions{})
		}
	}
	return e
}

// run calls e's handler inside the middleware.
func (m *Mux) run(ctx context.Context, e *entry, env *envelope) (result any, err error) {
	h := func(ctx context.Context) error {
		var err error
		result, err = e.call(ctx, env)
		return err
	}
	m.mu.RLock()
	middleware := m.middleware
	m.mu.RUnlock()
	for _, wrap := range slices.Backward(middleware) {
		h = wrap(h)
	}
	err = h(ctx)
	return result, err
}

func seedEntry(h task.Handler, opts jobOptions) *entry {
	opts.policy = opts.policy.or(policy{maxAttempts: 1})
	return &entry{opts, func(_ context.Context, env *envelope) (any, error) {
		payload := env.value
		if !env.hasValue {
			if err := env.decodePayload(&payload); err != nil {
				return nil, Permanent(fmt.Errorf("payload: %w", err))
			}
		}
		result := h(payload)
		if result.ErrMsg != "" {
			return nil, errors.New(result.ErrMsg)
		}
		return result.Payload, nil
	}}
}

// Job is a typed task definition: its name, payload, result and policy, shared
// by those who push it and those who run it. Make one with NewJob.
type Job[In, Out any] struct {
	name string
	opts jobOptions
}

// NewJob defines a job. Its name is the task type on the wire and matches
// [A-Za-z0-9._:-]{1,128}. NewJob panics on a bad name or option, so that a job
// can be a package variable.
func NewJob[In, Out any](name string, opts ...JobOption) *Job[In, Out] {
	return &Job[In, Out]{name: name, opts: mustJobOptions(name, opts)}
}

func mustJobOptions(name string, opts []JobOption) (j jobOptions) {
	errs := []error{validType(name)}
	for _, o := range opts {
		errs = append(errs, o.applyJob(&j))
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
	m.add(j.name, &entry{j.opts, func(ctx context.Context, env *envelope) (any, error) {
		in, ok := env.value.(In)
		if !ok || !env.hasValue {
			if err := env.decodePayload(&in); err != nil {
				return nil, Permanent(fmt.Errorf("payload: %w", err))
			}
		}
		return fn(ctx, in)
	}})
}

// Push queues a task of this job and returns its ID; see Client.Push.
func (j *Job[In, Out]) Push(ctx context.Context, c *Client, in In, opts ...PushOption) (string, error) {
	return c.pushOne(ctx, task.Task{Type: j.name, Payload: in}, opts)
}

// Wait returns the result of a task of this job, or a *TaskError when it
// failed, was cancelled or expired. Other errors are those of Client.Wait.
func (j *Job[In, Out]) Wait(ctx context.Context, c *Client, id string) (Out, error) {
	var out Out
	rec, err := c.Wait(ctx, id)
	if err != nil {
		return out, err
	}
	if rec.State != task.Done {
		return out, &TaskError{ID: id, State: rec.State, Attempts: rec.Attempts, Reason: rec.Error}
	}
	if v, ok := rec.Value.(Out); ok {
		return v, nil
	}
	raw := rec.Result
	if rec.Value != nil {
		if raw, err = marshal(rec.Value); err != nil {
			return out, fmt.Errorf("goflow: result of task %s: %w", id, err)
		}
	}
	if len(raw) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("goflow: result of task %s: %w", id, err)
	}
	return out, nil
}
