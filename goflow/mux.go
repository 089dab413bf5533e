package goflow

import (
	"context"
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
			return seedEntry(h, jobOptions{policy: policy{timeout: maxDelay}})
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
