package memory

import (
	"context"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// sleeper is one who waits for the outcome of a task.
type sleeper struct {
	ended chan<- struct{} // has room for one wake-up
	next  *sleeper        // another who waits for the same task
	came  entry           // the outcome, once there is one: the table may forget it before the sleeper looks
}

// await is port.Awaiter's Await.
func (t *table) await(ctx context.Context, id string) (port.Record, error) {
	ended := make(chan struct{}, 1)
	rec, ok := t.notify(id, ended)
	if ok {
		return rec, nil
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
	if rec, ok = t.unnotify(id, ended); ok {
		return rec, nil
	}
	return port.Record{ID: id}, ctx.Err()
}

// peek returns the record of a task that has an outcome.
func (t *table) peek(id string) (rec port.Record, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look(id, &rec)
	return rec, rec.State.Terminal()
}

// notify is peek, and lets ended be told of an outcome that comes later.
func (t *table) notify(id string, ended chan<- struct{}) (rec port.Record, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.look(id, &rec); rec.State.Terminal() {
		return rec, true
	}
	s := t.resting
	if s == nil {
		s = &sleeper{}
	}
	t.resting = s.next
	s.ended, s.next = ended, t.asleep[id]
	t.asleep[id] = s
	return rec, false
}

// unnotify takes notify back, and returns the record with the outcome of which ended was
// told. Nothing is kept for a task for which nobody waits.
func (t *table) unnotify(id string, ended chan<- struct{}) (rec port.Record, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.asleep[id]
	for at := &first; *at != nil; at = &(*at).next {
		if s := *at; s.ended == ended {
			*at = s.next
			s.came.read(&rec)
			t.rest(s)
			break
		}
	}
	if first == nil {
		delete(t.asleep, id)
	} else {
		t.asleep[id] = first
	}
	own(&rec)
	return rec, rec.State.Terminal()
}

// wake tells everybody who waits for a task. The caller holds the mutex.
func (t *table) wake(id string, e *entry) {
	for s := t.asleep[id]; s != nil; s = s.next {
		s.came = *e
		select {
		case s.ended <- struct{}{}:
		default:
		}
	}
}

// rest keeps a sleeper for the next who waits.
func (t *table) rest(s *sleeper) {
	*s = sleeper{next: t.resting}
	t.resting = s
}
