package goflow

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Cancellable makes a job's tasks heed Client.Cancel: one that is cancelled in
// time does not run, and the context of one that runs ends with the cause
// ErrCancelled within half a lease: DefaultLease/2 unless set, 30 seconds in a
// function, one in local mode. It costs one read per task, and one more for each
// of those spans that it runs. A Once job is Cancellable at no cost.
func Cancellable() JobOption {
	return jobOption(func(j *jobOptions) error { j.cancellable = true; return nil })
}

// Cancel gives the task the outcome Cancelled if it has none yet: waiters
// return at once, no retry follows, and what a late run comes to is discarded,
// be it a result or a failure. A task that waits for its first run may still run
// and one that runs is left alone, unless the job is Cancellable or Once.
// ErrFinished: too late, it has an outcome, which stands; else the errors are
// those of Get. A NoResult job leaves no outcome when it succeeds, so its tasks
// can be cancelled even afterwards, without effect.
func (c *Client) Cancel(ctx context.Context, id string) error {
	_, err := c.cancel(ctx, id)
	return err
}

func (c *Client) cancel(ctx context.Context, id string) (rec Record, err error) {
	if id, err = normalID(id); err != nil {
		return rec, err
	}
	rec, err = c.backend.cancel(ctx, id)
	if rec.State.Terminal() {
		c.waiters.tell(rec)
	}
	return rec, err
}

// Between two looks at the records of running tasks.
const (
	cancelLook      = DefaultLease / 2 // where the lease does not say
	cancelLookLocal = time.Second      // in a store of this process, which costs nothing
)

// cancelWatch ends the contexts of running tasks that are cancelled. It reads
// their records together, and only while any of them run.
type cancelWatch struct {
	store Store
	every time.Duration
	bound time.Duration // what lookWithin has set; 0: nothing yet

	mu   sync.Mutex
	runs map[string]context.CancelCauseFunc // by task: a process runs one delivery of each at a time
	stop context.CancelFunc                 // nil: nothing is watched
}

func newCancelWatch(s Store) *cancelWatch {
	if grouped, ok := s.(*groupedStore); ok {
		s = grouped.store // it reads for all at once anyway
	}
	w := &cancelWatch{store: s, every: cancelLook, runs: map[string]context.CancelCauseFunc{}}
	if inProcess(s) {
		w.every = cancelLookLocal
	}
	return w
}

// lookWithin bounds how long a cancelled task may go on: the least of what it is
// told. It is called before there are any.
func (w *cancelWatch) lookWithin(d time.Duration) {
	if d > 0 && (w.bound == 0 || d < w.bound) {
		w.bound, w.every = d, d
	}
}

// add watches a task until remove is called.
func (w *cancelWatch) add(id string, cancel context.CancelCauseFunc) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs[id] = cancel; w.stop == nil {
		var ctx context.Context
		ctx, w.stop = context.WithCancel(background())
		go w.watch(ctx)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.runs, id); len(w.runs) == 0 {
			w.stop()
			w.stop = nil
		}
	}
}

func (w *cancelWatch) watch(ctx context.Context) {
	for pause := w.every; sleep(ctx, pause); {
		if pause = w.every; !w.look(ctx) {
			pause = w.every / 8
		}
	}
}

// look reads all records once and tells whether it could.
func (w *cancelWatch) look(ctx context.Context) bool {
	w.mu.Lock()
	ids := slices.Collect(maps.Keys(w.runs))
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, w.every/4)
	defer cancel()
	all := true
	for chunk := range slices.Chunk(ids, port.MaxReads) {
		recs, err := w.store.Load(ctx, chunk, true)
		all = all && err == nil
		for i, id := range chunk {
			if port.ItemError(err, i) == nil && recs[i].State == task.Cancelled {
				w.cancel(id)
			}
		}
	}
	return all
}

func (w *cancelWatch) cancel(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel, ok := w.runs[id]; ok {
		cancel(ErrCancelled)
	}
}

// heed lets the run's context end when the task is cancelled, if its job wants
// that and no renewal of a claim would tell.
func (a *attempt) heed(ctx context.Context) (context.Context, func()) {
	if !a.heeds() {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	remove := a.cancels.add(a.rec.ID, cancel)
	return ctx, func() { remove(); cancel(nil) }
}

func (a *attempt) heeds() bool {
	if a.once() {
		return !a.hold.renews()
	}
	return a.entry.cancellable
}

// renews tells whether the keeper renews the claim with the lease.
func (h *hold) renews() bool { return h != nil && !h.delivery.LeaseEnd.IsZero() }

// cancelled ends a delivery whose context said that the task is cancelled, if
// its record says so too: whatever the handler came to is discarded.
func (a *attempt) cancelled(ctx context.Context) Outcome {
	reading, done := a.settling(ctx)
	defer done()
	rec, err := a.load(reading)
	switch {
	case err != nil:
		return a.trouble(err)
	case !rec.State.Terminal():
		return a.interrupt(ctx)
	}
	return a.finished(ctx, rec)
}
