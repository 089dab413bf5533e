package memory

import (
	"context"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// sleeper is one who waits for the outcome of a task.
type sleeper struct {
	ended chan<- struct{} // has room for one wake-up
	next  *sleeper        // another who waits for the same task
}

// await is port.Awaiter's Await.
func (t *table) await(ctx context.Context, id string) (port.Record, error) {
	ended := make(chan struct{}, 1)
	for {
		if rec, ok := t.notify(id, ended); ok {
			return rec, nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			t.unnotify(id, ended)
			return port.Record{ID: id}, ctx.Err()
		}
	}
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

// unnotify takes notify back. Nothing is kept for a task for which nobody waits.
func (t *table) unnotify(id string, ended chan<- struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.asleep[id]
	for at := &first; *at != nil; at = &(*at).next {
		if s := *at; s.ended == ended {
			*at = s.next
			t.rest(s)
			break
		}
	}
	if first == nil {
		delete(t.asleep, id)
		return
	}
	t.asleep[id] = first
}

// wake tells everybody who waits for a task. The caller holds the mutex.
func (t *table) wake(id string) {
	s, ok := t.asleep[id]
	if !ok {
		return
	}
	delete(t.asleep, id)
	for s != nil {
		next := s.next
		select {
		case s.ended <- struct{}{}:
		default:
		}
		t.rest(s)
		s = next
	}
}

// rest keeps a sleeper for the next who waits.
func (t *table) rest(s *sleeper) {
	s.ended, s.next = nil, t.resting
	t.resting = s
}
