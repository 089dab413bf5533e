package goflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestSettleOfARedrivenTask is about letters that the broker moved by itself, and
// that say why the task died before it was redriven.
func TestSettleOfARedrivenTask(t *testing.T) {
	t.Parallel()
	every := goflow.DeadLetterFilter{}
	for name, subtest := range map[string]func(w *world){
		"WaitersEndAndARedriveRunsInTheNextGeneration": func(w *world) {
			id := w.redriveAndMove(true)
			waited := make(chan goflow.Record, 1)
			go func() {
				rec, _ := w.client.Wait(w.Context(), id)
				waited <- rec
			}()
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
			rec := <-waited
			require.Equal(w, []any{task.Dead, 2, "moved by SQS", 0}, []any{rec.State, rec.Generation, rec.Reason, rec.Attempts})
			require.Empty(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), "again there is nothing to settle")
			settled := w.all(w.deadLetters(w.dead).List(w.Context(), every))
			require.Equal(w, []any{false, 2, "moved by SQS"}, []any{settled[0].Unsettled, settled[0].Generation, settled[0].Reason})

			runs := w.mend()
			require.Len(w, w.all(w.deadLetters(w.dead).Redrive(w.Context(), every)), 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			rec = w.wait(id)
			require.Equal(w, []any{task.Done, 3, 1}, []any{rec.State, rec.Generation, *runs})
			require.JSONEq(w, `"attempt 1 of generation 3"`, string(rec.Result))
			w.requireDead(0)
		},
		"RedriveSettlesFirst": func(w *world) {
			id := w.redriveAndMove(true)
			runs := w.mend()
			require.Len(w, w.all(w.deadLetters(w.dead).Redrive(w.Context(), every)), 1)
			require.Equal(w, 2, w.wait(id).Generation)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, []any{3, 1}, []any{w.wait(id).Generation, *runs})
		},
		"ListAndFiltersDoNotTakeItForTheDeathBefore": func(w *world) {
			died := time.Now()
			w.redriveAndMove(true)
			q := w.deadLetters(w.dead)
			l := w.all(q.List(w.Context(), every))[0]
			require.Equal(w, []any{true, 2, "moved by SQS", ""}, []any{l.Unsettled, l.Generation, l.Reason, l.Error})
			require.True(w, l.DiedAt.IsZero())
			require.True(w, l.SentAt.After(died))
			require.Empty(w, w.all(q.List(w.Context(), goflow.DeadLetterFilter{Reason: "failed"})))
			require.Empty(w, w.all(q.List(w.Context(), goflow.DeadLetterFilter{Before: l.SentAt})))
			require.Len(w, w.all(q.Drop(w.Context(), goflow.DeadLetterFilter{After: died, Reason: "moved by SQS"})), 1)
			w.requireDead(0)
		},
		"TaskWithoutARecordIsDeadInItsGeneration": func(w *world) {
			id := w.redriveAndMove(true)
			w.records = memory.NewStore()
			w.store = w.records
			var err error
			w.client, err = goflow.NewClient(w.queue, w.records)
			require.NoError(w, err)
			w.all(w.deadLetters(w.dead).Settle(w.Context(), every))
			rec := w.wait(id)
			require.Equal(w, []any{task.Dead, 2}, []any{rec.State, rec.Generation})
		},
		"TaskThatNobodyOpenedAgainStaysAsItDied": func(w *world) {
			id := w.redriveAndMove(false)
			w.all(w.deadLetters(w.dead).Settle(w.Context(), every))
			rec := w.wait(id)
			require.Equal(w, []any{task.Dead, 1, "failed"}, []any{rec.State, rec.Generation, rec.Reason})
			w.mend()
			w.all(w.deadLetters(w.dead).Redrive(w.Context(), every))
			w.process(w.newProcessor(), w.receive(w.queue))
			rec = w.wait(id)
			require.Equal(w, []any{task.Done, 2}, []any{rec.State, rec.Generation})
		},
		"RedriveEndsThoughTheTaskDiesAgain": func(w *world) {
			w.redriveAndMove(false)
			n := 0
			for _, err := range w.deadLetters(w.dead).Redrive(w.Context(), every) {
				require.NoError(w, err)
				w.process(w.newProcessor(), w.receive(w.queue))
				n++
			}
			require.Equal(w, 1, n)
			w.requireDead(1)
		},
		"NewerGenerationGoesOn": func(w *world) {
			id := w.redriveAndMove(true)
			w.saveRecord(goflow.Record{ID: id, State: task.Open, Generation: 4})
			w.all(w.deadLetters(w.dead).Settle(w.Context(), every))
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, 4}, []any{rec.State, rec.Generation})
			_, note := w.deadLetter()
			require.InDelta(w, 3, note["generation"], 0)
		},
		"RunningTaskIsLeftAlone": func(w *world) {
			id := w.redriveAndMove(true)
			_, err := w.records.Claim(w.Context(), []port.Claim{{ID: id, Generation: 2, Token: "t", For: time.Minute}})
			require.NoError(w, err)
			for _, err := range w.deadLetters(w.dead).Settle(w.Context(), every) {
				require.ErrorIs(w, err, port.ErrClaimed)
			}
			w.requireDead(1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

// redriveAndMove lets a task die and redrives it. Then its workers crash, with its
// record reopened or before that, until the broker moves its message.
func (w *world) redriveAndMove(reopened bool) (id string) {
	w.Helper()
	const receives = 3
	w.lease(testLease, memory.DeadLetter(w.dead, receives))
	id = w.die(1)[0]
	time.Sleep(time.Second)
	w.all(w.deadLetters(w.dead).Redrive(w.Context(), goflow.DeadLetterFilter{}))
	if reopened {
		require.NoError(w, w.records.Reopen(w.Context(), []goflow.Record{{ID: id, Generation: 1}}))
	}
	for range receives {
		w.receive(w.queue)
		time.Sleep(testLease)
	}
	n, err := w.queue.Receive(w.Context(), make([]port.Delivery, 1))
	require.NoError(w, err)
	require.Zero(w, n)
	w.requireDead(1)
	return id
}
