package goflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestIdempotencyBugsOfOthers are what a well-known library for functions got
// wrong: https://github.com/aws-powertools, issues python#1038, python#4759,
// java#1285 and typescript#1573.
func TestIdempotencyBugsOfOthers(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"TimeoutLeavesNothingInProgress": func(w *world) {
			runs := 0
			goflow.NewJob[int, int]("once", goflow.Once(), goflow.Timeout(time.Second), goflow.Backoff(time.Second, time.Second)).
				Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
					if runs++; runs == 1 {
						<-ctx.Done()
						return 0, ctx.Err()
					}
					return runs, nil
				})
			begin, id := time.Now(), w.push("once", 1)
			stop := w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
			require.Less(w, time.Since(begin), testLease, "the claim ended with the attempt")
		},
		"NoTimeLeftIsNotAllTheTime": func(w *world) {
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) { return 1, nil })
			id := w.push("once", 1)
			ctx, cancel := context.WithDeadline(w.Context(), time.Now())
			defer cancel()
			outcomes, err := w.newBatchWorker().Work(ctx, goflow.Batch{Deliveries: []goflow.Delivery{w.receive(w.queue)}})
			require.NoError(w, err)
			require.NotEqual(w, goflow.Ack, outcomes[0].Action)
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, task.Unknown, rec.State, "nothing was claimed")
		},
		"TimesAreInTheirUnits": func(w *world) {
			var rec goflow.Record
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				info, _ := goflow.TaskFromContext(ctx)
				recs, err := w.records.Load(ctx, []string{info.ID}, true)
				require.NoError(w, err)
				rec = recs[0]
				return 1, nil
			})
			id := w.push("once", 1)
			stop := w.start()
			w.wait(id)
			require.NoError(w, stop())
			require.InDelta(w, testLease.Seconds(), time.Until(rec.LeaseEnd).Seconds(), 5)
			require.InDelta(w, goflow.DefaultRecordTTL.Seconds(), time.Until(rec.Expires).Seconds(), 5)
		},
		"LoserNeedsNoSecondRead": func(w *world) {
			goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
				time.Sleep(testLease / 2)
				return 1, nil
			})
			w.push("once", 1)
			d := w.receive(w.queue)
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: d.ID, Body: d.Body}}))
			done, first := make(chan goflow.Outcome), w.newProcessor()
			go func() { done <- first.Process(w.Context(), d) }()
			time.Sleep(time.Second)
			store := &faultyStore{Store: w.records}
			w.store = store
			require.Equal(w, goflow.Release, w.newProcessor().Process(w.Context(), w.receive(w.queue)).Action)
			require.Zero(w, store.count("load"), "the claim that fails brings the record")
			require.Equal(w, goflow.Ack, (<-done).Action)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}
