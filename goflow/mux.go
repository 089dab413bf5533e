package goflow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

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
	mu   sync.Mutex // held by who changes it
	now  atomic.Pointer[muxState]
	seed func(taskType string) (task.Handler, bool) // local mode's handler store; set before any use
}

// muxState is never changed, but replaced: every task reads it.
type muxState struct {
	entries    map[string]*entry
	middleware []Middleware
}

// entry is how a type is run: call decodes the payload and returns the result.
type entry struct {
	jobOptions
	call func(ctx context.Context, p payload) (any, error)
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{} }

// Use adds middleware; the first added is the outermost.
func (m *Mux) Use(mw ...Middleware) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state()
	s.middleware = slices.Concat(s.middleware, mw)
	m.now.Store(&s)
}

// state is a copy of what the Mux holds now.
func (m *Mux) state() muxState {
	if s := m.now.Load(); s != nil {
		return *s
	}
	return muxState{}
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
	return slices.Sorted(maps.Keys(m.state().entries))
}

func (m *Mux) add(taskType string, e *entry) {
	if err := validType(taskType); err != nil {
		panic(err.Error())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state()
	if _, taken := s.entries[taskType]; taken {
		panic("goflow: task type " + taskType + " has a handler already")
	}
	if s.entries = maps.Clone(s.entries); s.entries == nil {
		s.entries = map[string]*entry{}
	}
	s.entries[taskType] = e
	m.now.Store(&s)
}

// lookup returns nil for an unknown type.
func (m *Mux) lookup(taskType string) *entry {
	e, ok := m.state().entries[taskType]
	if !ok && m.seed != nil {
		if h, found := m.seed(taskType); found && h != nil {
			return seedEntry(h, jobOptions{policy: policy{timeout: maxDelay}})
		}
	}
	return e
}

// run calls e's handler inside the middleware.
func (m *Mux) run(ctx context.Context, e *entry, p payload) (any, error) {
	middleware := m.state().middleware
	if len(middleware) == 0 {
		return e.call(ctx, p)
	}
	return runWrapped(ctx, middleware, e, p)
}

func runWrapped(ctx context.Context, middleware []Middleware, e *entry, p payload) (result any, err error) {
	h := func(ctx context.Context) error {
		var err error
		result, err = e.call(ctx, p)
		return err
	}
	for _, wrap := range slices.Backward(middleware) {
		h = wrap(h)
	}
	err = h(ctx)
	return result, err
}

func seedEntry(h task.Handler, opts jobOptions) *entry {
	opts.policy = opts.policy.or(policy{maxAttempts: 1})
	return &entry{opts, func(_ context.Context, p payload) (any, error) {
		in, ok := p.value()
		if !ok {
			if err := p.decode(&in); err != nil {
				return nil, Permanent(fmt.Errorf("payload: %w", err))
			}
		}
		result := h(in)
		if result.ErrMsg != "" {
			return nil, errors.New(result.ErrMsg)
		}
		return result.Payload, nil
	}}
}
