package goflow

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Bounds of what is remembered: 4 MiB at the most.
const (
	knownFor   = time.Minute
	mostKnown  = 1000
	knownBytes = 4 << 10
)

// known are the latest final records. One of a dead task is not final.
type known struct {
	recs  map[string]knownRecord
	order []string // the oldest first
}

type knownRecord struct {
	Record
	until time.Time
}

func (k *known) get(id string, now time.Time) (Record, bool) {
	r, ok := k.recs[id]
	if !ok || !now.Before(r.until) {
		return Record{}, false
	}
	return r.Record, true
}

func (k *known) put(rec Record, now time.Time) {
	if rec.State == task.Dead || rec.Value != nil || len(rec.Result) > knownBytes {
		return
	}
	if k.recs == nil {
		k.recs = map[string]knownRecord{}
	}
	if _, ok := k.get(rec.ID, now); ok {
		return
	}
	for len(k.order) > 0 && (len(k.order) >= mostKnown || !now.Before(k.recs[k.order[0]].until)) {
		delete(k.recs, k.order[0])
		k.order = k.order[1:]
	}
	until := now.Add(knownFor)
	if !rec.Expires.IsZero() {
		until = earlier(until, rec.Expires)
	}
	k.recs[rec.ID] = knownRecord{owned(rec), until}
	k.order = append(k.order, rec.ID)
}
