package goflow

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// localWaits are those who wait on one client for single tasks of a store in this
// process. Each waits for itself: nothing is read for them and no goroutine is theirs.
type localWaits struct {
	store port.Notifier
	ttl   time.Duration
	rooms sync.Pool // of channels to be told through

	waiting atomic.Int64
	timed   atomic.Bool // tick is to come

	mu     sync.Mutex // held by who changes the next two
	closed atomic.Bool
	again  atomic.Pointer[chan struct{}] // when it is closed, all look again
}

// lookAgain is how often those who wait look whether their task can still have an
// outcome.
const lookAgain = time.Hour

func (w *localWaits) init(store port.Notifier, ttl time.Duration) {
	w.store, w.ttl = store, ttl
	w.rooms.New = func() any { return make(chan struct{}, 1) }
	w.again.Store(new(make(chan struct{})))
}

// peek returns the record of a task that has an outcome. An ID in another form than
// that of records is not found.
func (c *Client) peek(id string) (rec Record, ok bool) {
	if c.local == nil {
		return rec, false
	}
	return c.local.waits.store.Peek(id)
}

// wait is Client.Wait for a task that has no outcome yet.
func (w *localWaits) wait(ctx context.Context, id string) (Record, error) {
	id, err := normalID(id)
	if err != nil {
		return Record{ID: id}, err
	}
	runtime.Gosched() // whoever runs the task may end it first, and then nobody sleeps
	if rec, ok := w.store.Peek(id); ok {
		return rec, nil
	}
	ended, _ := w.rooms.Get().(chan struct{})
	defer w.leave(ended)
	w.join()
	for {
		again := *w.again.Load() // before the look at what closes it
		rec, ok := w.store.Notify(id, ended)
		if ok {
			return rec, nil
		}
		if err = w.vain(ctx, rec); err == nil {
			doze(ctx, ended, again)
		}
		if told, ok := w.store.Unnotify(id, ended); ok {
			return told, nil
		}
		if err != nil {
			return rec, err
		}
	}
}

// doze returns when there is something to look at.
func doze(ctx context.Context, ended, again <-chan struct{}) {
	select {
	case <-ended:
	case <-again:
	case <-ctx.Done():
	}
}

// vain says why not to wait for a task that has no outcome.
func (w *localWaits) vain(ctx context.Context, rec Record) error {
	switch err := missing(rec, w.ttl); {
	case err != nil:
		return err
	case w.closed.Load():
		return waitError(rec.ID, ErrClosed)
	case ctx.Err() != nil:
		return unfinished(ctx, rec.ID)
	}
	return nil
}

func (w *localWaits) join() {
	w.waiting.Add(1)
	if w.timed.CompareAndSwap(false, true) {
		time.AfterFunc(lookAgain, w.tick)
	}
}

// leave ends a wait. Nothing is sent to ended any more.
func (w *localWaits) leave(ended chan struct{}) {
	w.waiting.Add(-1)
	select {
	case <-ended:
	default:
	}
	w.rooms.Put(ended)
}

// tick makes all look again, and comes back as long as anybody waits.
func (w *localWaits) tick() {
	w.timed.Store(false)
	if w.waiting.Load() > 0 && w.timed.CompareAndSwap(false, true) {
		time.AfterFunc(lookAgain, w.tick)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed.Load() {
		close(*w.again.Swap(new(make(chan struct{}))))
	}
}

// close ends all waiting for what has no outcome.
func (w *localWaits) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed.Swap(true) {
		close(*w.again.Load())
	}
}
