package memory

import (
	"context"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// awaited is a task whose outcome somebody waits for.
type awaited struct {
	ended   chan struct{} // closed when there is one
	waiting int
}

// await is port.Awaiter's Await.
func (t *table) await(ctx context.Context, id string) (port.Record, error) {
	for {
		t.mu.Lock()
		if rec := t.get(id, time.Now()); rec != nil && rec.State.Terminal() {
			defer t.mu.Unlock()
			return shown(id, rec), nil
		}
		a := t.join(id)
		t.mu.Unlock()
		select {
		case <-a.ended:
		case <-ctx.Done():
			t.leave(id, a)
			return port.Record{ID: id}, ctx.Err()
		}
	}
}

func (t *table) join(id string) *awaited {
	a := t.awaited[id]
	if a == nil {
		a = &awaited{ended: make(chan struct{})}
		t.awaited[id] = a
	}
	a.waiting++
	return a
}

// leave keeps nothing for a task for which nobody waits any more.
func (t *table) leave(id string, a *awaited) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.waiting--; a.waiting == 0 && t.awaited[id] == a {
		delete(t.awaited, id)
	}
}

// wake lets everybody look who waits for a task. The caller holds the mutex.
func (t *table) wake(id string) {
	if a := t.awaited[id]; a != nil {
		close(a.ended)
		delete(t.awaited, id)
	}
}
