package goflow

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// localWatch ends runs whose time is over, and finds handlers that are stuck. It has
// one timer for all, which a run that ends in time neither sets nor stops.
type localWatch struct {
	stuck func(*localSlot, *localRun, runState) // called for each that is found
	began time.Time
	next  atomic.Int64 // when the timer is to look, as a Duration since began; MaxInt64: never

	mu    sync.Mutex
	slots map[*localSlot]struct{}
	timer *time.Timer
}

func newLocalWatch(stuck func(*localSlot, *localRun, runState)) *localWatch {
	w := &localWatch{stuck: stuck, began: time.Now(), slots: map[*localSlot]struct{}{}}
	w.next.Store(math.MaxInt64)
	return w
}

func (w *localWatch) since() time.Duration { return time.Since(w.began) }

// add watches the runs of a slot.
func (w *localWatch) add(s *localSlot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots[s] = struct{}{}
}

// remove forgets a slot, and the last one ends the watch.
func (w *localWatch) remove(s *localSlot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.slots, s)
	if len(w.slots) == 0 && w.timer != nil {
		w.timer.Stop()
	}
}

// run makes r the run of a slot.
func (w *localWatch) run(s *localSlot, r *localRun) {
	s.run.Store(r) // before the look at next: a look that does not find r has yet to set it
	if int64(r.deadline) < w.next.Load() {
		w.look()
	}
}

// look looks at all runs, and sets the timer to when the first of them has to be
// looked at again.
func (w *localWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next.Store(math.MaxInt64)
	now, next := w.since(), time.Duration(math.MaxInt64)
	for s := range w.slots {
		r := s.run.Load()
		if r == nil {
			continue
		}
		found, again := r.look(now)
		if found != running {
			go w.stuck(s, r, found)
		}
		if again > 0 {
			next = min(next, again)
		}
	}
	if next == math.MaxInt64 {
		return
	}
	w.next.Store(int64(next))
	if w.timer == nil {
		w.timer = time.AfterFunc(next-now, w.look)
		return
	}
	w.timer.Reset(next - now)
}

// stop ends all runs. Later ones end as they begin.
func (w *localWatch) stop(cause error) {
	for _, r := range w.runs() {
		r.end(cause)
	}
	w.look()
}

// runs are those under way.
func (w *localWatch) runs() (runs []*localRun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.slots {
		if r := s.run.Load(); r != nil {
			runs = append(runs, r)
		}
	}
	return runs
}
