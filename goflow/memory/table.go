package memory

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// table is the engine of both stores.
type table struct {
	most int // records to keep when they have ended; 0: any number

	mu      sync.Mutex
	entries index
	asleep  map[string]*sleeper // who waits, by task
	resting *sleeper            // to be used again
	clock   clock

	order ring[uint32] // of places, the one made first in front; if there is a limit
	sweep int          // the place to be looked at next; if there is none
	added int          // since then
}

// entry is one record as it is stored. Most are results and nothing else, and take
// little room: in local mode all that are kept are looked through by each garbage
// collection.
type entry struct {
	id         string
	value      any
	expires    int64 // in Unix seconds; 0: never
	generation int32
	state      task.State
	whole      *port.Record // if it is more than the above; nil: it is not
}

// set keeps r. Slices of it are the entry's from now on.
func (e *entry) set(r *port.Record) {
	e.id, e.value, e.generation, e.state = r.ID, r.Value, int32(r.Generation), r.State //nolint:gosec // no task is redriven so often
	e.expires = seconds(r.Expires)
	if e.whole = nil; !plain(r) {
		e.whole = new(*r)
		e.whole.Expires = wholeSeconds(r.Expires)
	}
}

// plain reports whether a record says no more than an entry by itself.
func plain(r *port.Record) bool {
	texts := len(r.Token) + len(r.Result) + len(r.Error) + len(r.Reason) + len(r.Hash)
	return r.Attempts|r.GiveBacks|r.Starts|texts == 0 && r.Epoch == 0 && r.LeaseEnd.IsZero() && r.Generation <= math.MaxInt32
}

// read makes rec the record, whose slices and Value are the entry's.
func (e *entry) read(rec *port.Record) {
	if e.whole != nil {
		*rec = *e.whole
		return
	}
	rec.ID, rec.State, rec.Generation, rec.Value = e.id, e.state, int(e.generation), e.value
	if e.expires != 0 {
		rec.Expires = time.Unix(e.expires, 0)
	}
}

// over reports whether the record may be forgotten. One without Expires never is.
func (e *entry) over(now time.Time) bool { return e.expires != 0 && now.Unix() >= e.expires }

// A new entry makes us look at two, so that what is over is found before as many new
// ones have come as there are; at several at a time, which takes less than one by one.
const (
	swept      = 2
	sweepAfter = 8
)

func newTable(opts []StoreOption) *table {
	t := &table{entries: newIndex(), asleep: map[string]*sleeper{}, clock: newClock()}
	for _, opt := range opts {
		opt(t)
	}
	return t
}

// get reads what is known of a task into rec, which is empty; false when there is no
// record, or none that counts.
func (t *table) get(id string, rec *port.Record) bool {
	e := t.entries.find(id)
	if e == nil || e.expires != 0 && e.over(t.clock.now()) {
		return false
	}
	e.read(rec)
	return true
}

// put makes rec the record of its task. Whoever waits for an outcome is woken.
func (t *table) put(rec *port.Record) {
	place, isNew := t.entries.add(rec.ID)
	t.fill(place, isNew, rec)
}

func (t *table) fill(place uint32, isNew bool, rec *port.Record) {
	e := t.entries.at(place)
	e.set(rec)
	if rec.State.Terminal() && len(t.asleep) > 0 {
		t.wake(rec.ID, e) // before it may be forgotten
	}
	switch {
	case !isNew:
	case t.most == 0:
		t.forget()
	default:
		t.order.push(place)
		t.limit()
	}
}

// forget looks at a few entries, one after the other, and drops those that are over.
func (t *table) forget() {
	if t.added++; t.added < sweepAfter {
		return
	}
	t.added = 0
	now := t.clock.now()
	for range swept * sweepAfter {
		if t.sweep++; t.sweep >= t.entries.places() {
			t.sweep = 0
		}
		if place := uint32(t.sweep); t.entries.at(place).over(now) { //nolint:gosec // that many don't fit into memory
			t.entries.drop(place)
		}
	}
}

// limit looks at the entries in front and drops those that are over, and those that
// have ended when there are too many. An open record is never dropped before it is over.
func (t *table) limit() {
	now := t.clock.now()
	for range min(swept, t.order.n) {
		place, _ := t.order.peek()
		e, full := t.entries.at(place), t.entries.n > t.most
		switch {
		case e.over(now), full && e.state.Terminal():
			t.order.pop()
			t.entries.drop(place)
		case full:
			t.order.pop()
			t.order.push(place)
		default:
			return // so that the oldest stays in front
		}
	}
}

// look is get as a reader gets it: with its own copy of all but the Value.
func (t *table) look(id string, rec *port.Record) {
	if !t.get(id, rec) {
		rec.ID = id
	}
	own(rec)
}

func (t *table) shown(id string) (rec port.Record) {
	t.look(id, &rec)
	return rec
}

// own makes the slices of a record its own.
func own(rec *port.Record) {
	if rec.Result != nil || rec.Hash != nil {
		rec.Result, rec.Hash = bytes.Clone(rec.Result), bytes.Clone(rec.Hash)
	}
}

// wholeSeconds rounds up what stores keep in seconds.
func wholeSeconds(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return time.Unix(seconds(at), 0)
}

// seconds is at in Unix seconds, rounded up; 0 if it is zero.
func seconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	s := at.Unix()
	if at.Nanosecond() > 0 {
		s++
	}
	return s
}
