package memory

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// The rules of port.Store for one item. The caller holds the mutex.

// save applies one Save.
func (t *table) save(rec *port.Record) error {
	place, isNew := t.entries.add(rec.ID)
	if isNew && plain(rec) { // as nearly always in local mode: there is nothing to copy
		t.fill(place, isNew, rec)
		return nil
	}
	next := *rec
	own(&next)
	next.LeaseEnd, next.Token = time.Time{}, ""
	var cur port.Record
	if isNew || !t.get(rec.ID, &cur) {
		t.fill(place, isNew, &next)
		return nil
	}
	if err := refused(&cur, rec); err != nil {
		return fmt.Errorf("memory: save: %w", err)
	}
	if cur.Generation != rec.Generation || further(&cur, rec) {
		keep(&cur, &next)
		t.fill(place, false, &next)
	} else if rec.Epoch != 0 {
		cur.LeaseEnd, cur.Token = time.Time{}, ""
		t.fill(place, false, &cur)
	}
	return nil
}

// refused says why rec may not be saved over cur.
func refused(cur, rec *port.Record) error {
	switch {
	case cur.Generation > rec.Generation:
		return fmt.Errorf("generation %d, want %d: %w", rec.Generation, cur.Generation, port.ErrFinished)
	case cur.Generation == rec.Generation && cur.State.Terminal():
		if known(cur, rec) {
			return nil
		}
		return fmt.Errorf("it is %v: %w", cur.State, port.ErrFinished)
	case rec.Epoch != 0 && rec.Epoch != cur.Epoch:
		return fmt.Errorf("epoch %d, want %d: %w", rec.Epoch, cur.Epoch, port.ErrFenced)
	}
	return nil
}

// further reports whether rec says more than cur, of the same generation.
func further(cur, rec *port.Record) bool {
	switch {
	case cur.State.Terminal():
		return false
	case rec.State.Terminal():
		return true
	default:
		return progress(cur, rec) < 0
	}
}

// progress compares how far two open records are: below 0 when rec is further.
func progress(cur, rec *port.Record) int {
	return cmp.Or(
		cmp.Compare(cur.Attempts, rec.Attempts), cmp.Compare(cur.GiveBacks, rec.GiveBacks), cmp.Compare(cur.Starts, rec.Starts),
	)
}

// known reports whether rec says what the ended record cur says: then it was
// saved before, and only the answer was lost.
func known(cur, rec *port.Record) bool {
	return rec.State == cur.State && rec.Error == cur.Error &&
		bytes.Equal(rec.Result, cur.Result) && same(rec.Value, cur.Value)
}

// same is a == b for values that may not be comparable.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// keep gives next what a Save leaves of the record before. A claim goes on only when
// an open record is saved without its epoch; the hash stays when the new one has none.
func keep(cur, next *port.Record) {
	if len(next.Hash) == 0 {
		next.Hash = cur.Hash
	}
	if cur.Generation != next.Generation {
		return
	}
	if next.Epoch == 0 && next.State == task.Open {
		next.LeaseEnd, next.Token = cur.LeaseEnd, cur.Token
	}
	next.Epoch = cur.Epoch
}

// claim applies one Claim and returns the record as it stands after it.
func (t *table) claim(c *port.Claim) (port.Record, error) {
	now := t.clock.now()
	var cur *port.Record
	if rec := (port.Record{}); t.get(c.ID, &rec) {
		cur = &rec
	}
	epoch, err := granted(cur, c, now)
	if err != nil {
		return t.shown(c.ID), fmt.Errorf("memory: claim: %w", err)
	}
	next := port.Record{ID: c.ID, State: task.Open, Generation: c.Generation}
	if cur != nil && cur.Generation == c.Generation {
		next = *cur
	} else if cur != nil {
		next.Hash, next.Expires = cur.Hash, cur.Expires
	}
	next.Epoch, next.LeaseEnd, next.Token = epoch, now.Add(c.For), cmp.Or(c.Token, next.Token)
	if !c.Expires.IsZero() {
		next.Expires = wholeSeconds(c.Expires)
	}
	t.put(&next)
	return t.shown(c.ID), nil
}

// granted returns the epoch under which a claim is granted.
func granted(cur *port.Record, c *port.Claim, now time.Time) (uint64, error) {
	switch {
	case cur == nil && c.Epoch != 0:
		return 0, fmt.Errorf("there is no record to renew: %w", port.ErrFenced)
	case cur == nil:
		return 1, nil
	case cur.State.Terminal() || cur.Generation > c.Generation:
		return 0, fmt.Errorf("it is %v in generation %d: %w", cur.State, cur.Generation, port.ErrFinished)
	case c.Epoch != 0:
		return renewed(cur, c)
	case cur.Token == c.Token:
		return cur.Epoch, nil
	case now.Before(cur.LeaseEnd):
		return 0, fmt.Errorf("until %v: %w", cur.LeaseEnd, port.ErrClaimed)
	default:
		return cur.Epoch + 1, nil
	}
}

// renewed grants the claim that stands, unless a Save has ended it.
func renewed(cur *port.Record, c *port.Claim) (uint64, error) {
	if c.Epoch != cur.Epoch || cur.Token == "" || c.Token != "" && c.Token != cur.Token {
		return 0, fmt.Errorf("epoch %d, want %d: %w", c.Epoch, cur.Epoch, port.ErrFenced)
	}
	return cur.Epoch, nil
}

// reopen applies one Reopen.
func (t *table) reopen(rec *port.Record) {
	var cur port.Record
	if !t.get(rec.ID, &cur) || cur.State != task.Dead || cur.Generation != rec.Generation {
		return
	}
	next := port.Record{ID: cur.ID, State: task.Open, Generation: cur.Generation + 1, Hash: cur.Hash, Expires: cur.Expires}
	if !rec.Expires.IsZero() {
		next.Expires = wholeSeconds(rec.Expires)
	}
	t.put(&next)
}
