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
	if err := h.insist(func() error { return h.queue.Send(h.ctx, []port.Message{{ID: e.id, Body: body}}) }); err != nil {
		return fmt.Errorf("copy of %s: %w", e.id, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent++
	return nil
}

// cancel cancels the task; what is expected of it follows from the answer.
func (h *hands) cancel(e *errand) error {
	err := h.insist(func() error {
		err := h.client.Cancel(h.ctx, e.id)
		if !errors.Is(err, goflow.ErrFinished) {
			return err
		}
		rec, getErr := h.client.Get(h.ctx, e.id)
		if getErr == nil && rec.State != task.Cancelled {
			return err
		}
		return getErr // nil: it was cancelled before, by a call whose answer was lost
	})
	if errors.Is(err, goflow.ErrFinished) {
		return nil // it was too late, so the task has to succeed
	}
	if err == nil {
		e.state, e.cancelled = task.Cancelled, time.Now()
	}
	return err
}

// insist makes a call again while its service is away.
func (h *hands) insist(call func() error) error {
	for {
		err := call()
		if err == nil || !passes(h.ctx, err) {
			return err
		}
		pause(h.ctx, again)
	}
}

// wait waits for all of it.
func (h *hands) wait() error {
	h.doing.Wait()
	return errors.Join(h.errs...)
}
