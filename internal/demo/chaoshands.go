package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// hands do what others than a producer do to tasks: they cancel some and push
// copies of others' messages.
type hands struct {
	client *goflow.Client
	queue  port.Broker
	ctx    context.Context //nolint:containedctx // of what is under way
	doing  sync.WaitGroup
	mu     sync.Mutex
	errs   []error
	sent   int
}

// take begins with a task that has been pushed. Copies of one that is cancelled
// follow that, since they have no delay that would keep them from running.
func (h *hands) take(e *errand) {
	h.doing.Go(func() {
		if e.cancel {
			pause(h.ctx, e.cancelAfter)
			h.note(h.cancel(e))
		}
		for _, after := range e.copies {
			h.doing.Go(func() {
				pause(h.ctx, after)
				h.note(h.copy(e))
			})
		}
	})
}

func (h *hands) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, err)
}

// copy sends the task's message as docs/wire-format.md has it.
func (h *hands) copy(e *errand) error {
	body, err := json.Marshal(map[string]any{"v": 1, "id": e.id, "type": e.taskType, "payload": e.payload})
	if err != nil {
		return err
	}
	if err := h.queue.Send(h.ctx, []port.Message{{ID: e.id, Body: body}}); err != nil {
		return fmt.Errorf("copy of %s: %w", e.id, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent++
	return nil
}

// cancel cancels the task; what is expected of it follows from the answer.
func (h *hands) cancel(e *errand) error {
	err := h.client.Cancel(h.ctx, e.id)
	if errors.Is(err, goflow.ErrFinished) {
		return nil // it was too late, so the task has to succeed
	}
	if err == nil {
		e.state, e.cancelled = task.Cancelled, time.Now()
	}
	return err
}

// wait waits for all of it.
func (h *hands) wait() error {
	h.doing.Wait()
	return errors.Join(h.errs...)
}
