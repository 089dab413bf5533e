package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestSnooze(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"UsesNoAttempt": func(w *world) {
			begin, runs := time.Now(), 0
			goflow.NewJob[int, int]("later", goflow.MaxAttempts(1)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				info, _ := goflow.TaskFromContext(ctx)
				require.Equal(w, 1, info.Attempt)
				if runs++; runs <= 3 {
					return 0, fmt.Errorf("not yet: %w", goflow.Snooze(time.Hour))
				}
				return runs, nil
			})
			id := w.push("later", 1)
			stop := w.start()
			rec := w.wait(id)
			require.NoError(w, stop())
			require.Equal(w, []any{task.Done, 0, 3}, []any{rec.State, rec.Attempts, rec.GiveBacks})
			require.InDelta(w, 3, time.Since(begin).Hours(), 0.1, "in place, never earlier")
			w.requireEmpty(w.queue)
		},
		"KeepsTheFailuresBefore": func(w *world) {
			runs := 0
			goflow.NewJob[int, int]("later", goflow.MaxAttempts(2)).Handle(w.mux, func(context.Context, int) (int, error) {
				if runs++; runs == 2 {
					return 0, goflow.Snooze(time.Minute)
				}
				return 0, errors.New("no luck")
			})
			id := w.push("later", 1)
			stop := w.start()
			rec := w.wait(id)
			require.NoError(w, stop())
			require.Equal(w, []any{task.Dead, 2, 3, "no luck"}, []any{rec.State, rec.Attempts, runs, rec.Error})
		},
		"EndsTheClaimOfAOnceJob": func(w *world) {
			runs := 0
			goflow.NewJob[int, int]("later", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
				if runs++; runs == 1 {
					return 0, goflow.Snooze(time.Second)
				}
				return runs, nil
			})
			begin, id := time.Now(), w.push("later", 1)
			stop := w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
			require.Less(w, time.Since(begin), testLease, "nobody waits for the claim to end")
		},
		"EndsWithTheRetention": func(w *world) {
			goflow.NewJob[int, int]("never").Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, goflow.Snooze(11 * time.Hour)
			})
			id := w.push("never", 1)
			stop := w.start()
			ctx, cancel := context.WithTimeout(w.Context(), 10*24*time.Hour)
			defer cancel()
			rec, err := w.client.Wait(ctx, id)
			require.NoError(w, err)
			require.NoError(w, stop())
			require.Equal(w, []any{task.Dead, 0}, []any{rec.State, rec.Attempts})
			require.Contains(w, rec.Error, "put off for longer")
			_, note := w.deadLetter()
			require.Equal(w, id, note["id"])
		},
		"EndsWithTheReceives": func(w *world) {
			w.queue = memory.NewBroker(memory.Lease(testLease), memory.PollWait(testPoll), memory.DeadLetter(w.dead, 5))
			w.broker = w.queue
			var err error
			w.client, err = goflow.NewClient(w.queue, w.records)
			require.NoError(w, err)
			goflow.NewJob[int, int]("never").Handle(w.mux, func(context.Context, int) (int, error) { return 0, goflow.Snooze(0) })
			id := w.push("never", 1)
			stop := w.start()
			require.Equal(w, task.Dead, w.wait(id).State)
			require.NoError(w, stop())
			_, note := w.deadLetter()
			require.Equal(w, id, note["id"], "by us, with a reason, not by the broker")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}
