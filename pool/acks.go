package pool

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// ackedBroker tells of each task whose message is deleted: of a NoResult job nothing
// else says that it has ended.
type ackedBroker struct {
	*memory.Broker

	mu    sync.Mutex
	ended map[string]context.CancelFunc // by task; nil: it has ended before somebody asked
}

// Ack is the broker's.
func (b *ackedBroker) Ack(ctx context.Context, ds []port.Delivery) error {
	err := b.Broker.Ack(ctx, ds)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range ds {
		var task struct {
			ID string `json:"id"`
		}
		if port.ItemError(err, i) != nil || json.Unmarshal(ds[i].Body, &task) != nil {
			continue
		}
		if end := b.ended[task.ID]; end != nil {
			end()
		}
		b.ended[task.ID] = nil
	}
	return err
}

// untilAcked is a context that ends with the task's message.
func (b *ackedBroker) untilAcked(ctx context.Context, id string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, over := b.ended[id]; over {
		cancel()
	}
	b.ended[id] = cancel
	return ctx, func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.ended, id)
	}
}
