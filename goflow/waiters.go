package goflow

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// waiters are all who wait on one client. Whoever waits for the same task shares
// one watch of it, and all watches one reader, which runs only while there are
// any.
type waiters struct {
	store   loader
	awaiter port.Awaiter // nil: the store has to be polled
	ttl     time.Duration

	mu      sync.Mutex
	watches map[string]*watch
	known   known
	line    line
	stop    context.CancelFunc // of the reader; nil: nobody reads
	woken   chan struct{}      // somebody new waits
	failing time.Time          // since when no read has been answered; zero: they are
	closed  bool
}

// watch is one task that somebody waits for.
type watch struct {
	id      string
	place   int // in the line, by arrival
	waiters []*waiter
	stop    context.CancelFunc // of its Await, if there is one
	over    bool               // answered, or nobody waits any more
}

// waiter is one who waits, for any number of tasks.
type waiter struct {
	open  map[string]bool // what next has not returned yet
	ready chan struct{}   // has room for the one wake-up that is needed

	mu  sync.Mutex
	got []finding
}

// finding is what came of one task.
type finding struct {
	rec Record
	err error
}

func newWaiters(s loader, awaiter port.Awaiter, ttl time.Duration) *waiters {
	return &waiters{store: s, awaiter: awaiter, ttl: ttl, watches: map[string]*watch{}, woken: make(chan struct{}, 1)}
}

// join waits for tasks until they are found or the waiter leaves. When ctx has
// ended it does not begin.
func (ws *waiters) join(ctx context.Context, ids []string) *waiter {
	w := &waiter{open: make(map[string]bool, len(ids)), ready: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, id := range ids {
		w.open[id] = true
		if rec, ok := ws.known.get(id, time.Now()); ok {
			w.give(finding{rec: rec})
			continue
		}
		if ctx.Err() != nil {
			continue
		}
		if ws.watches[id] == nil {
			ws.watches[id] = &watch{id: id}
			ws.begin(ws.watches[id]) //nolint:contextcheck // it goes on for the others when the first one leaves
		}
		ws.watches[id].waiters = append(ws.watches[id].waiters, w)
	}
	return w
}

// leave ends the waiting for whatever w has not got.
func (ws *waiters) leave(w *waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for id := range w.open {
		watched := ws.watches[id]
		if watched == nil {
			continue
		}
		kept := watched.waiters[:0]
		for _, other := range watched.waiters {
			if other != w {
				kept = append(kept, other)
			}
		}
		clear(watched.waiters[len(kept):])
		if watched.waiters = kept; len(kept) == 0 {
			ws.end(watched)
		}
	}
}

// begin looks for a task's outcome. The caller holds the lock, as in all that
// follows.
func (ws *waiters) begin(w *watch) {
	var ctx context.Context
	if ws.awaiter != nil {
		ctx, w.stop = context.WithCancel(background())
		go ws.await(ctx, w)
		return
	}
	ws.line.add(w)
	if ws.stop == nil {
		ctx, ws.stop = context.WithCancel(background())
		go ws.read(ctx)
		return
	}
	select {
	case ws.woken <- struct{}{}:
	default:
	}
}

// end looks for it no more; the last one ends the reader.
func (ws *waiters) end(w *watch) {
	w.over = true
	delete(ws.watches, w.id)
	if w.stop != nil {
		w.stop()
	}
	if len(ws.watches) == 0 && ws.stop != nil {
		ws.stop()
		ws.stop, ws.line, ws.failing = nil, line{}, time.Time{}
	}
}

// answer tells all who wait for a task what came of it.
func (ws *waiters) answer(w *watch, f finding) {
	ws.end(w)
	for _, waiter := range w.waiters {
		waiter.give(f)
	}
}

// fail ends everybody's waiting with err.
func (ws *waiters) fail(err error) {
	for _, w := range ws.watches {
		ws.answer(w, finding{Record{ID: w.id}, waitError(w.id, err)})
	}
}

func waitError(id string, err error) error { return fmt.Errorf("goflow: wait for %s: %w", id, err) }

// judge answers if rec allows it and tells whether it did.
func (ws *waiters) judge(w *watch, rec Record) bool {
	switch missing := missing(rec, ws.ttl); {
	case rec.State.Terminal():
		ws.known.put(rec, time.Now())
		ws.answer(w, finding{rec: rec})
	case missing != nil:
		ws.answer(w, finding{rec, missing})
	case ws.closed:
		ws.answer(w, finding{rec, waitError(w.id, ErrClosed)})
	default:
		return false
	}
	return true
}

// tell passes on what the client has learned otherwise.
func (ws *waiters) tell(rec Record) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w := ws.watches[rec.ID]; w != nil {
		ws.judge(w, rec)
	} else if rec.State.Terminal() {
		ws.known.put(rec, time.Now())
	}
}

// recall returns the final record of a task that the client has seen lately.
func (ws *waiters) recall(id string) (Record, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	rec, ok := ws.known.get(id, time.Now())
	return owned(rec), ok
}

// close ends all waiting with ErrClosed; where the store is in this process, it
// is asked once more. Whoever comes later gets what there is.
func (ws *waiters) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	if ws.awaiter == nil {
		ws.fail(ErrClosed)
	}
	for _, w := range ws.watches {
		w.stop()
	}
}

// give hands a finding over. The record is the waiter's own.
func (w *waiter) give(f finding) {
	f.rec = owned(f.rec)
	w.mu.Lock()
	w.got = append(w.got, f)
	w.mu.Unlock()
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// findings are what comes of ids, and that nothing did when ctx ends.
func (w *waiter) findings(ctx context.Context, ids []string) iter.Seq[finding] {
	return func(yield func(finding) bool) {
		for len(w.open) > 0 {
			f, ok := w.next(ctx)
			if !ok {
				break
			}
			if !yield(f) {
				return
			}
		}
		for _, id := range ids {
			if w.open[id] && !yield(finding{Record{ID: id}, unfinished(ctx, id)}) {
				return
			}
		}
	}
}

// next returns the next finding; false when ctx ends before there is one.
func (w *waiter) next(ctx context.Context) (f finding, ok bool) {
	for ended := false; ; {
		if f, ok = w.take(); ok || ended {
			return f, ok
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			ended = true
		}
	}
}

func (w *waiter) take() (f finding, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.got) == 0 {
		return f, false
	}
	f, w.got = w.got[0], w.got[1:]
	delete(w.open, f.rec.ID)
	return f, true
}

// owned is a copy of rec that its owner may change.
func owned(rec Record) Record {
	rec.Result, rec.Hash = bytes.Clone(rec.Result), bytes.Clone(rec.Hash)
	return rec
}
