package main

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// world is where the demo's tasks are.
type world struct {
	queue, dead interface {
		port.Broker
		port.Sizer
	}
	store port.Store
	// shared: the queues hold what is not the demo's, too.
	shared bool
	// hidden is how long a message may be out of sight whose worker is gone.
	hidden time.Duration
}

// Bounds of what is awaited after the last outcome.
const (
	emptyTime = 20 * time.Second // until the queue is empty
	again     = 200 * time.Millisecond
)

// found is what was read back.
type found struct {
	records map[string]goflow.Record // by ID
	left    int                      // messages still in the queue
	dead    map[string]bool          // IDs of the dead letters
}

// readBack reads every record by its ID, and what the queue still holds.
func (w world) readBack(ctx context.Context, tasks []*expectation) (f found, err error) {
	f.records = map[string]goflow.Record{}
	var ids []string
	for _, e := range tasks {
		if e.id != "" {
			ids = append(ids, e.id)
		}
	}
	for chunk := range slices.Chunk(ids, port.MaxReads) {
		recs, err := w.store.Load(ctx, chunk, true)
		if err != nil {
			return f, err
		}
		for _, rec := range recs {
			f.records[rec.ID] = rec
		}
	}
	f.left, err = w.leftOver(ctx)
	return f, err
}

// leftOver waits until the queue is empty, and returns what is left in it when
// it is not in time.
func (w world) leftOver(ctx context.Context) (int, error) {
	for deadline := time.Now().Add(emptyTime + w.hidden); ; {
		size, err := w.queue.Size(ctx)
		if err != nil {
			return 0, err
		}
		left := size.Waiting + size.Leased + size.Delayed
		if left == 0 || time.Now().After(deadline) {
			return left, nil
		}
		pause(ctx, again)
	}
}

// met tells whether the task ended as expected.
func (e *expectation) met(rec goflow.Record, runs int) bool {
	return rec.State == e.state && runs == e.runs && (e.state != task.Done || sameJSON(rec.Result, e.result))
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// runsOf is how often a task ran to an end, the success included.
func runsOf(rec goflow.Record) int {
	if rec.State == task.Done {
		return rec.Attempts + 1
	}
	return rec.Attempts
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
