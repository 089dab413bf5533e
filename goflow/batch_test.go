package goflow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestBatchWorker is about batches as such; package lambda has the tests of what
// a function makes of them.
func TestBatchWorker(t *testing.T) {
	t.Parallel()
	rest := goflow.NewJob[time.Duration, string]("rest")
	for name, subtest := range map[string]func(w *world){
		"SlowHandlerDoesNotHoldUpTheResultOfAFastOne": func(w *world) {
			rest.Handle(w.mux, func(_ context.Context, d time.Duration) (string, error) {
				time.Sleep(d)
				return "rested", nil
			})
			slow, fast := w.push("rest", 4*time.Minute), w.push("rest", time.Second)
			batch := goflow.Batch{Deliveries: []goflow.Delivery{w.receive(w.queue), w.receive(w.queue)}}
			done := make(chan []goflow.Outcome)
			go func() {
				outcomes, err := w.newBatchWorker().Work(w.Context(), batch)
				require.NoError(w, err)
				done <- outcomes
			}()
			begin := time.Now()
			require.Equal(w, task.Done, w.wait(fast).State)
			require.Less(w, time.Since(begin), 2*time.Second)
			require.Equal(w, []goflow.Outcome{{Action: goflow.Ack}, {Action: goflow.Ack}}, <-done, "without a deadline there is time")
			require.Equal(w, task.Done, w.wait(slow).State)
		},
		"RestOfAGroupIsReleasedWithItsHead": func(w *world) {
			rest.Handle(w.mux, func(context.Context, time.Duration) (string, error) { return "", errors.New("no") })
			w.push("rest", 0)
			w.push("rest", 0)
			batch := goflow.Batch{Deliveries: []goflow.Delivery{w.receive(w.queue), w.receive(w.queue)}, Ordered: true}
			for i := range batch.Deliveries {
				batch.Deliveries[i].Group = "g"
			}
			outcomes, err := w.newBatchWorker().Work(w.Context(), batch)
			require.NoError(w, err)
			require.Equal(w, goflow.Release, outcomes[0].Action)
			require.Equal(w, outcomes[0], outcomes[1])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

// Grouping must not hide that a store keeps Go values.
func TestBatchWorkerInProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queue, records, mux := memory.NewLocalBroker(10), memory.NewLocalStore(), goflow.NewMux()
		type pair struct{ A, B int }
		goflow.NewJob[pair, *pair]("swap").Handle(mux, func(_ context.Context, p pair) (*pair, error) {
			return &pair{A: p.B, B: p.A}, nil
		})
		client, err := goflow.NewClient(queue, records)
		require.NoError(t, err)
		id, err := goflow.NewJob[pair, *pair]("swap").Push(t.Context(), client, pair{A: 1, B: 2})
		require.NoError(t, err)
		into := make([]port.Delivery, 1)
		_, err = queue.Receive(t.Context(), into)
		require.NoError(t, err)
		worker, err := goflow.NewBatchWorker(queue, records, mux, goflow.NoDeadLetters())
		require.NoError(t, err)
		outcomes, err := worker.Work(t.Context(), goflow.Batch{Deliveries: into})
		require.NoError(t, err)
		require.Equal(t, []goflow.Outcome{{Action: goflow.Ack}}, outcomes)
		rec, err := client.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, &pair{A: 2, B: 1}, rec.Value)
	})
}

func (w *world) newBatchWorker() *goflow.BatchWorker {
	w.Helper()
	worker, err := goflow.NewBatchWorker(w.broker, w.store, w.mux, goflow.DeadLetters(w.dead))
	require.NoError(w, err)
	return worker
}
