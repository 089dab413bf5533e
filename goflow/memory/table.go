package memory

import (
	"bytes"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// table is the engine of both stores.
type table struct {
	most int // records to keep when they have ended; 0: any number

	mu      sync.Mutex
	entries map[string]*entry
	sweep   ring[*entry] // every entry, in the order in which it is looked at
	awaited map[string]*awaited
	free    *entry // the last one dropped, to be used again
}

// entry is one record as it is stored.
type entry struct{ rec port.Record }

// swept is how many entries a new one makes us look at: with two, what is over
// is found before as many new ones have come as there are.
const swept = 2

func newTable(opts []StoreOption) *table {
	t := &table{entries: map[string]*entry{}, awaited: map[string]*awaited{}}
	for _, opt := range opts {
		opt(t)
	}
	return t
}

// get returns what is known of a task: nil when there is no record, or none
// that counts.
func (t *table) get(id string, now time.Time) *port.Record {
	e := t.entries[id]
	if e == nil || over(&e.rec, now) {
		return nil
	}
	return &e.rec
}

// over reports whether a record may be forgotten. One without Expires never is.
func over(r *port.Record, now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// put makes rec the record of its task. Whoever waits for an outcome is woken.
func (t *table) put(rec port.Record, now time.Time) *port.Record {
	e := t.entries[rec.ID]
	if e == nil {
		e = t.add(rec.ID, now)
	}
	e.rec = rec
	if rec.State.Terminal() {
		t.wake(rec.ID)
	}
	return &e.rec
}

// add makes room and an entry.
func (t *table) add(id string, now time.Time) *entry {
	t.forget(now)
	e := t.free
	if t.free = nil; e == nil {
		e = &entry{}
	}
	t.entries[id] = e
	t.sweep.push(e)
	return e
}

// forget looks at a few entries and drops those that nobody needs: records that
// are over, and the oldest ended ones when there are too many. An open record
// is never dropped before it is over.
func (t *table) forget(now time.Time) {
	for range swept {
		e, ok := t.sweep.peek()
		if !ok {
			return
		}
		full := t.most > 0 && len(t.entries) >= t.most
		switch {
		case over(&e.rec, now), full && e.rec.State.Terminal():
			t.drop(e)
		case full, t.most == 0:
			t.sweep.pop()
			t.sweep.push(e)
		default:
			return // so that the oldest stays in front
		}
	}
}

// drop takes out the entry in front.
func (t *table) drop(e *entry) {
	t.sweep.pop()
	delete(t.entries, e.rec.ID)
	e.rec = port.Record{}
	t.free = e
}

// shown is a record as a reader gets it: its own copy of all but the Value.
func shown(id string, rec *port.Record) port.Record {
	if rec == nil {
		return port.Record{ID: id}
	}
	out := *rec
	out.Result, out.Hash = bytes.Clone(rec.Result), bytes.Clone(rec.Hash)
	return out
}

// wholeSeconds rounds up what stores keep in seconds.
func wholeSeconds(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(time.Second - 1).Truncate(time.Second)
}
