package goflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// GoFlow is the small front door: push a task by its type, read its result by
// its ID. NewLocalMode runs the tasks in this process, New leaves them to
// workers elsewhere. Programs that want typed jobs, contexts and waiting use
// Client and Mux, the parts it is made of. It is safe for concurrent use and
// runs once: after Close it cannot be started again.
type GoFlow struct {
	opts   options
	client *Client
	local  *localMode // nil in distributed mode
	err    error      // what was wrong with the constructor's arguments

	mu     sync.Mutex
	state  lifecycle
	warned sync.Once
}

type lifecycle uint8

const (
	created lifecycle = iota
	started
	closed
)

// Option configures a GoFlow.
type Option interface{ apply(*options) }

type option func(*options)

func (o option) apply(opts *options) { o(opts) }

type options struct {
	workers   int
	buffer    int
	results   KVStore[string, task.Result]
	drain     time.Duration
	log       *slog.Logger
	wireCheck bool
}

// WithNumWorkers sets how many tasks local mode runs at a time: 1 to 10,000,
// DefaultWorkers unless set. Start returns ErrInvalid for others.
func WithNumWorkers(n int) Option { return option(func(o *options) { o.workers = n }) }

// WithTaskQueueBufferSize sets how many tasks may wait in local mode, besides
// one per worker, before Push blocks: 0 or more. Default 0.
func WithTaskQueueBufferSize(n int) Option { return option(func(o *options) { o.buffer = n }) }

// WithResultQueueBufferSize is accepted for programs that set it. Results are
// stored by the workers themselves, so there is no queue to size.
func WithResultQueueBufferSize(int) Option { return option(func(*options) {}) }

// WithResultsStore keeps the results of local mode in s, too. A panic of its Get
// fails the call, one of its Put is logged: the task has its outcome all the same.
func WithResultsStore(s KVStore[string, task.Result]) Option {
	return option(func(o *options) { o.results = s })
}

// WithDrainTime sets how long Close lets local mode finish what is queued: 0
// or more, DefaultDrain unless set.
func WithDrainTime(d time.Duration) Option { return option(func(o *options) { o.drain = d }) }

// WithLogger sets where GoFlow logs. Payloads are never logged. Default:
// nowhere.
func WithLogger(l *slog.Logger) Option { return option(func(o *options) { o.log = l }) }

// WithWireCheck makes local mode encode payloads and results as they would be
// on the wire, so that a test finds what would not survive it.
func WithWireCheck() Option { return option(func(o *options) { o.wireCheck = true }) }

// NewLocalMode returns a GoFlow that runs its tasks in this process, by the
// handlers in the given store. Payloads and results are passed as the Go
// values they are. A handler's failure or panic is final; a task without a
// handler fails at once. A handler from the store may take 11 hours: it has no
// context that could tell it to end.
func NewLocalMode(handlers KVStore[string, task.Handler], opts ...Option) *GoFlow {
	g := newGoFlow(opts)
	if handlers == nil {
		g.err = fmt.Errorf("goflow: %w: NewLocalMode needs a handler store, got nil", ErrInvalid)
		return g
	}
	if g.opts.workers < 1 || g.opts.buffer < 0 || g.opts.drain < 0 {
		g.err = fmt.Errorf("goflow: %w: %d workers, buffer of %d, drain time %v: give at least 1, 0 and 0",
			ErrInvalid, g.opts.workers, g.opts.buffer, g.opts.drain)
		return g
	}
	g.local, g.err = newLocalMode(handlers, g.opts)
	if g.err == nil {
		g.client, g.err = NewClient(g.local.broker, g.local.store, Logger(g.opts.log))
	}
	return g
}

// New returns a GoFlow that sends its tasks through b to workers elsewhere and
// reads their results from s. Any number of programs see all results.
func New(b Broker, s Store, opts ...Option) *GoFlow {
	g := newGoFlow(opts)
	if b == nil || s == nil {
		g.err = fmt.Errorf("goflow: %w: New needs a broker and a store, got nil", ErrInvalid)
		return g
	}
	g.client, g.err = NewClient(b, s, Logger(g.opts.log))
	return g
}

func newGoFlow(opts []Option) *GoFlow {
	g := &GoFlow{opts: options{workers: DefaultWorkers, drain: DefaultDrain, log: slog.New(slog.DiscardHandler)}}
	for _, o := range opts {
		o.apply(&g.opts)
	}
	return g
}

// Client returns the client beneath, for typed jobs, contexts and waiting. It
// is nil when the constructor's arguments were bad: Start says how.
func (g *GoFlow) Client() *Client { return g.client }

// Mux returns the Mux of local mode, to register typed jobs on; nil in
// distributed mode, where handlers belong to a worker.
func (g *GoFlow) Mux() *Mux {
	if g.local == nil {
		return nil
	}
	return g.local.mux
}

// Start makes Push and GetResult usable and in local mode starts the workers.
// It does not block. Errors: ErrAlreadyStarted, ErrClosed after Close, and
// ErrInvalid when the constructor got bad arguments.
func (g *GoFlow) Start() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.err != nil:
		return g.err
	case g.state == started:
		return ErrAlreadyStarted
	case g.state == closed:
		return fmt.Errorf("goflow: start: %w: make a new one", ErrClosed)
	}
	if g.local != nil {
		g.local.start()
	}
	g.state = started
	return nil
}

// Close refuses new tasks. In local mode it then runs what is queued, within
// the drain time, and returns an AbandonedError with the IDs of the tasks that
// were not finished by then. GetResult still answers. ErrNotStarted: it was
// not started, or is closed already.
func (g *GoFlow) Close() error {
	g.mu.Lock()
	if g.state != started {
		g.mu.Unlock()
		return ErrNotStarted
	}
	g.state = closed
	g.mu.Unlock()
	if g.local == nil {
		return g.client.Close()
	}
	defer func() { _ = g.client.Close() }() // it has no error; whoever still waits does so in vain
	return g.local.close(g.opts.drain)
}

// RegisterHandler sets the handler of a task type and replaces the one before,
// at any time. In distributed mode handlers belong to a worker: the call is
// logged, once, and changes nothing.
func (g *GoFlow) RegisterHandler(taskType string, handler task.Handler) {
	if g.local != nil {
		g.local.handlers.Put(taskType, handler)
		return
	}
	g.warned.Do(func() {
		g.opts.log.Warn("RegisterHandler does nothing here: register handlers with the worker", slog.String("type", taskType))
	})
}

// Push queues a task and returns its ID. ErrNotStarted before Start;
// ErrClosed, which is ErrNotStarted too, after Close; else as Client.Push. In
// local mode it blocks while the queue is full.
func (g *GoFlow) Push(taskType string, payload any) (string, error) {
	if err := g.usable(); err != nil {
		return "", err
	}
	if g.client.local != nil && validType(taskType) == nil {
		return g.client.local.push(background(), g.client, &anyTask{localTask{env: plainEnvelope(taskType)}, payload})
	}
	return g.client.pushOne(background(), task.Task{Type: taskType, Payload: payload}, nil)
}

func (g *GoFlow) usable() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.state {
	case created:
		return ErrNotStarted
	case closed:
		return fmt.Errorf("%w: %w", ErrNotStarted, ErrClosed)
	default:
		return nil
	}
}

// GetResult returns the result of a task; false while there is none. A task
// that failed has its reason in Result.ErrMsg. Errors: ErrNotStarted before
// Start, and those of Client.Get.
func (g *GoFlow) GetResult(taskID string) (task.Result, bool, error) {
	if err := g.usable(); err != nil && !errors.Is(err, ErrClosed) {
		return task.Result{}, false, err
	}
	if g.local != nil {
		if r, ok, err := g.local.result(taskID); ok || err != nil {
			return r, ok, err
		}
	}
	rec, err := g.client.Get(background(), taskID)
	if err != nil || !rec.State.Terminal() {
		return task.Result{}, false, err
	}
	return newResult(rec)
}

// background is the context of calls that have none of their own.
func background() context.Context { return context.Background() }

// newResult turns a terminal record into the seed's result.
func newResult(rec Record) (task.Result, bool, error) {
	r := task.Result{TaskID: rec.ID}
	if rec.State != task.Done {
		r.ErrMsg = rec.Error
		if r.ErrMsg == "" {
			r.ErrMsg = "task is " + rec.State.String()
		}
		return r, true, nil
	}
	r.Payload = rec.Value
	if len(rec.Result) > 0 {
		if err := json.Unmarshal(rec.Result, &r.Payload); err != nil {
			return r, false, fmt.Errorf("goflow: result of task %s: %w", rec.ID, err)
		}
	}
	return r, true, nil
}
