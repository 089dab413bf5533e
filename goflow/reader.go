package goflow

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// How the reader reads for those who wait.
const (
	firstPoll   = 50 * time.Millisecond // between rounds while they bring something
	fullPoll    = time.Second           // the same, at the most, for a line that is longer than a round
	lastPoll    = 5 * time.Second       // while they bring nothing
	mostCalls   = 10                    // at a time
	readTime    = 10 * time.Second      // for a call to answer
	readTrouble = 10 * time.Second      // of nothing but throttling and outages, until the waiting fails
)

// read polls the store, round after round, until ctx ends.
func (ws *waiters) read(ctx context.Context) {
	for {
		ws.mu.Lock()
		if ctx.Err() != nil {
			ws.mu.Unlock()
			return
		}
		round := ws.line.next()
		ws.mu.Unlock()
		if !ws.rest(ctx, ws.round(ctx, round)) {
			return
		}
	}
}

// rest pauses between two rounds. Whoever comes new cuts it short.
func (ws *waiters) rest(ctx context.Context, pause time.Duration) bool {
	began := time.Now()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-ws.woken:
		return sleep(ctx, firstPoll-time.Since(began))
	}
}

// round reads the records of watches, answers those who may be answered, and
// returns the pause until the next round.
func (ws *waiters) round(ctx context.Context, watches []*watch) time.Duration {
	var all roundResult
	var calls sync.WaitGroup
	for chunk := range slices.Chunk(watches, port.MaxReads) {
		calls.Go(func() {
			recs, err := ws.load(ctx, chunk)
			ws.mu.Lock()
			defer ws.mu.Unlock()
			if ctx.Err() == nil {
				ws.digest(chunk, recs, err, &all)
			}
		})
	}
	calls.Wait()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	ws.judgeTrouble(all)
	return ws.line.learn(all.answered, len(watches))
}

// roundResult counts the watches of a round.
type roundResult struct {
	read     int // the store said something of them
	answered int
	err      error // of one that was not read
}

// load reads what a moment behind is good enough for, at half the price. A call
// that hangs must not keep all others waiting.
func (ws *waiters) load(ctx context.Context, watches []*watch) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	ids := make([]string, len(watches))
	for i, w := range watches {
		ids[i] = w.id
	}
	return ws.store.Load(ctx, ids, false)
}

// digest answers by what a call came to. The caller holds the lock.
func (ws *waiters) digest(watches []*watch, recs []Record, err error, all *roundResult) {
	for i, w := range watches {
		if w.over {
			continue
		}
		switch itemErr := port.ItemError(err, i); {
		case itemErr == nil:
			all.read++
			if ws.judge(w, recs[i]) {
				all.answered++
			}
		case passes(itemErr):
			all.err = itemErr
		case errors.Is(itemErr, ErrRefused): // nobody would fare better
			ws.fail(itemErr)
		default:
			ws.answer(w, finding{Record{ID: w.id}, waitError(w.id, itemErr)})
		}
	}
}

// passes tells whether a read that failed so may be repeated.
func passes(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrAmbiguous) || errors.Is(err, context.DeadlineExceeded)
}

// judgeTrouble ends the waiting when the store has not answered for too long,
// or at once for those who came after the client was closed.
func (ws *waiters) judgeTrouble(all roundResult) {
	switch {
	case all.read > 0 || all.err == nil:
		ws.failing = time.Time{}
	case ws.failing.IsZero() && !ws.closed:
		ws.failing = time.Now()
	case ws.closed || time.Since(ws.failing) >= readTrouble:
		ws.failing = time.Time{}
		ws.fail(all.err)
	}
}

// await lets the store itself say when the task has an outcome.
func (ws *waiters) await(ctx context.Context, w *watch) {
	for {
		rec, err := loadOne(context.WithoutCancel(ctx), ws.store, w.id)
		if err == nil && !ws.settled(w, rec) {
			err = ws.awaitOne(ctx, w)
		}
		if ws.ended(w, err) {
			return
		}
	}
}

// awaitOne is the store's Await, until the task counts as not found. What it brings
// counts: the store may have forgotten it by the next look.
func (ws *waiters) awaitOne(ctx context.Context, w *watch) error {
	if at := lastHope(w.id, ws.ttl); time.Now().Before(at) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, at)
		defer cancel()
	}
	rec, err := ws.awaiter.Await(ctx, w.id)
	switch {
	case err == nil:
		ws.settled(w, rec)
	case ctx.Err() != nil:
		return nil // the next look tells why
	}
	return err
}

func (ws *waiters) settled(w *watch, rec Record) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return w.over || ws.judge(w, rec)
}

// ended tells whether w needs no further look.
func (ws *waiters) ended(w *watch, err error) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if err != nil && !w.over {
		ws.answer(w, finding{Record{ID: w.id}, waitError(w.id, err)})
	}
	return w.over
}

// line is everything that is watched, and decides what is read next: mostly the
// oldest, which are likely to end first, but nobody waits for ever behind those
// that don't.
type line struct {
	watches []*watch // by arrival
	places  int      // given so far
	unread  int      // from this place on nothing was read yet
	turn    int      // where those who are not in front are to be read again next
	lap     int      // up to where, before the turn comes to the first of them again
	size    int      // of a round
	full    bool     // the last round had no room for all
	idle    bool     // the last round brought nothing
	pause   time.Duration
}

// add puts w at the end, and makes the line try often again.
func (l *line) add(w *watch) {
	w.place = l.places
	l.places++
	l.watches = append(l.watches, w)
	l.pause, l.size = firstPoll, max(l.size, port.MaxReads)
}

// next returns the watches of the next round. Where they are not all, those
// that are not in front get a tenth of it, or half while nothing comes; half of
// that is for those that were never read.
func (l *line) next() []*watch {
	l.watches = slices.DeleteFunc(l.watches, func(w *watch) bool { return w.over })
	if l.full = len(l.watches) > l.size; !l.full {
		l.unread = l.places
		return slices.Clone(l.watches)
	}
	others := l.size / 10
	if l.idle {
		others = l.size / 2
	}
	front := l.size - others
	first := max(l.find(l.unread), front) // that was never read
	fresh := min(len(l.watches)-first, (others+1)/2)
	again := min(first-front, others-fresh)
	fresh = min(len(l.watches)-first, others-again)

	at, end := max(l.find(l.turn), front), min(l.find(l.lap), first)
	if at >= end {
		at, end = front, first
		l.lap = l.watches[first-1].place + 1
	}
	end = min(end, at+again)
	l.turn = l.watches[end-1].place + 1
	l.unread = max(l.unread, l.watches[first+fresh-1].place+1)
	return slices.Concat(l.watches[:front], l.watches[at:end], l.watches[first:first+fresh])
}

// find returns the index of the first watch at or after a place.
func (l *line) find(place int) int {
	i, _ := slices.BinarySearchFunc(l.watches, place, func(w *watch, place int) int { return w.place - place })
	return i
}

// learn takes from a round how large the next one is and how soon. When nothing
// was answered, the next is later; it may then be as large as that many calls,
// one for each second. When most of it was, the next is sooner, or larger and at once. In
// between, those that are read too early cost more than they are worth if there
// are so many that a round has no room for all; if not, a result is wanted soon.
func (l *line) learn(answered, asked int) time.Duration {
	pause := l.pause
	l.idle = answered == 0
	switch {
	case l.idle:
		l.pause = min(2*pause, lastPoll)
		l.size = port.MaxReads * max(1, int(l.pause/time.Second))
		return pause
	case 10*answered >= 8*asked && pause > firstPoll:
		l.pause = max(pause/2, firstPoll)
	case 10*answered >= 8*asked:
		l.size = min(2*l.size, mostCalls*port.MaxReads)
		if l.full {
			return 0 // what has ended already need not wait for a round of its own
		}
	case l.full && l.size == port.MaxReads:
		l.pause = min(2*pause, fullPoll)
	case l.full:
		l.size = port.MaxReads
	default:
		l.pause, l.size = firstPoll, port.MaxReads
	}
	return l.pause
}
