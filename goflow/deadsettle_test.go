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

// TestSettle is about letters that the broker moved by itself: they lack our
// attribute.
func TestSettle(t *testing.T) {
	t.Parallel()
	every := goflow.DeadLetterFilter{}
	for name, subtest := range map[string]func(w *world){
		"WaitersEndAndARedriveRunsInTheNextGeneration": func(w *world) {
			w.sendDead(`{"v":1,"type":"bad","payload":7}`) // by hand: the message's ID is the task's
			q := w.deadLetters(w.dead)
			listed := w.all(q.List(w.Context(), every))
			require.True(w, listed[0].Unsettled)
			id := listed[0].ID
			waited := make(chan goflow.Record, 1)
			go func() { waited <- w.wait(id) }()
			require.Len(w, w.all(q.Settle(w.Context(), every)), 1)
			rec := <-waited
			require.Equal(w, []any{task.Dead, 1, "moved by SQS", "moved by SQS"}, []any{rec.State, rec.Generation, rec.Reason, rec.Error})
			require.Empty(w, w.all(q.Settle(w.Context(), every)), "again there is nothing to settle")
			w.requireDead(1)

			runs := w.mend()
			require.Equal(w, id, w.all(q.Redrive(w.Context(), every))[0].ID)
			w.process(w.newProcessor(), w.receive(w.queue))
			rec = w.wait(id)
			require.Equal(w, []any{task.Done, 2, 1}, []any{rec.State, rec.Generation, *runs})
			w.requireDead(0)
		},
		"OpenRecordKeepsItsAttemptsAndLastError": func(w *world) {
			w.saveRecord(goflow.Record{ID: handMadeID, State: task.Open, Generation: 1, Attempts: 3, GiveBacks: 900, Error: "no disk"})
			w.sendDead(handMade)
			w.all(w.deadLetters(w.dead).Settle(w.Context(), every))
			rec := w.wait(handMadeID)
			require.Equal(w, []any{task.Dead, 3, "moved by SQS, after no disk"}, []any{rec.State, rec.Attempts, rec.Error})
			_, note := w.deadLetter()
			require.InDelta(w, 3, note["attempts"], 0)
			require.Equal(w, "moved by SQS, after no disk", note["error"])
		},
		"KilledBeforeTheMarkItSettlesLater": func(w *world) {
			w.sendDead(handMade)
			deaf := &faultyBroker{Broker: w.dead, before: func(method string) error {
				if method == "send" {
					return port.ErrRefused
				}
				return nil
			}}
			for _, err := range w.deadLetters(deaf).Settle(w.Context(), every) {
				require.ErrorIs(w, err, port.ErrRefused)
			}
			w.requireDead(1)
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
			_, note := w.deadLetter()
			require.InDelta(w, 1, note["generation"], 0)
			w.requireDead(0)
		},
		"KilledAfterTheMarkItLeavesACopy": func(w *world) {
			w.sendDead(handMade)
			deaf := &faultyBroker{Broker: w.dead, before: func(method string) error {
				if method == "ack" {
					return port.ErrRefused
				}
				return nil
			}}
			for _, err := range w.deadLetters(deaf).Settle(w.Context(), every) {
				require.ErrorContains(w, err, "a copy stays")
			}
			w.requireDead(2)
			runs := w.mend()
			q := w.deadLetters(w.dead)
			require.Len(w, w.all(q.Settle(w.Context(), every)), 1)
			require.Len(w, w.all(q.Redrive(w.Context(), every)), 2)
			w.process(w.newProcessor(), w.receive(w.queue))
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, 1, *runs)
			w.requireEmpty(w.queue)
		},
		"FinishedTaskKeepsItsOutcomeAndIsNotRunAgain": func(w *world) {
			w.saveRecord(goflow.Record{ID: handMadeID, State: task.Done, Generation: 1, Result: []byte("1")})
			w.sendDead(handMade)
			q := w.deadLetters(w.dead)
			w.all(q.Settle(w.Context(), every))
			require.Equal(w, task.Done, w.wait(handMadeID).State)
			runs := w.mend()
			w.all(q.Redrive(w.Context(), every))
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Zero(w, *runs)
		},
		"RecordThatAnotherProgramWroteIsSettledOnce": func(w *world) {
			w.store = withoutGeneration{w.records}
			w.sendDead(handMade)
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
			w.requireDead(1)
		},
		"NewerGenerationGoesOn": func(w *world) {
			open := goflow.Record{ID: handMadeID, State: task.Open, Generation: 3, Attempts: 1, GiveBacks: 1}
			w.saveRecord(open)
			w.sendDead(handMade)
			w.all(w.deadLetters(w.dead).Settle(w.Context(), every))
			rec, err := w.client.Get(w.Context(), handMadeID)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, 3}, []any{rec.State, rec.Generation})
			_, note := w.deadLetter()
			require.InDelta(w, 2, note["generation"], 0)
		},
		"RunningTaskIsLeftAlone": func(w *world) {
			_, err := w.records.Claim(w.Context(), []port.Claim{{ID: handMadeID, Generation: 1, Token: "t", For: time.Minute}})
			require.NoError(w, err)
			w.sendDead(handMade)
			for _, err := range w.deadLetters(w.dead).Settle(w.Context(), every) {
				require.ErrorIs(w, err, port.ErrClaimed)
			}
			w.requireDead(1)
			time.Sleep(2 * time.Minute)
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
		},
		"RunningTaskIsLeftAloneWhateverOurClockSays": func(w *world) {
			claims, err := w.records.Claim(w.Context(), []port.Claim{{ID: handMadeID, Generation: 1, Token: "t", For: time.Minute}})
			require.NoError(w, err)
			w.sendDead(handMade)
			w.store = behind{w.records}
			for _, err := range w.deadLetters(w.dead).Settle(w.Context(), every) {
				require.ErrorIs(w, err, port.ErrClaimed)
			}
			w.requireDead(1)
			claims[0].State = task.Done
			w.saveRecord(claims[0])
			require.Equal(w, task.Done, w.wait(handMadeID).State)
		},
		"WhoeverHeldTheClaimIsFencedOut": func(w *world) {
			claims, err := w.records.Claim(w.Context(), []port.Claim{{ID: handMadeID, Generation: 1, Token: "t", For: time.Minute}})
			require.NoError(w, err)
			w.sendDead(handMade)
			time.Sleep(2 * time.Minute)
			store := &faultyStore{Store: w.records, before: func(method string) error {
				if method != "save" {
					return nil
				}
				_, err := w.records.Claim(w.Context(), []port.Claim{{ID: handMadeID, Generation: 1, Token: "another", For: time.Minute}})
				require.ErrorIs(w, err, port.ErrClaimed, "nobody begins while we record")
				claims[0].Attempts = 1
				require.ErrorIs(w, w.records.Save(w.Context(), claims), port.ErrFenced)
				return nil
			}}
			w.store = store
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
			require.Equal(w, 1, store.count("save"))
			require.Equal(w, task.Dead, w.wait(handMadeID).State)
		},
		"OutcomeThatCameBeforeOurClaimStands": func(w *world) {
			claims, err := w.records.Claim(w.Context(), []port.Claim{{ID: handMadeID, Generation: 1, Token: "t", For: time.Minute}})
			require.NoError(w, err)
			claims[0].State = task.Done
			w.sendDead(handMade)
			store := &faultyStore{Store: w.records}
			store.after = func(string) error {
				store.after = nil
				w.saveRecord(claims[0])
				return nil
			}
			w.store = store
			require.Len(w, w.all(w.deadLetters(w.dead).Settle(w.Context(), every)), 1)
			require.Equal(w, task.Done, w.wait(handMadeID).State)
		},
		"RedriveSettlesFirst": func(w *world) {
			w.sendDead(handMade)
			runs := w.mend()
			w.all(w.deadLetters(w.dead).Redrive(w.Context(), every))
			require.Equal(w, "moved by SQS", w.wait(handMadeID).Reason)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, []any{2, 1}, []any{w.wait(handMadeID).Generation, *runs})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

// behind is a store whose clock is behind ours.
type behind struct{ port.Store }

func (b behind) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	recs, err := b.Store.Load(ctx, ids, fresh)
	for i := range recs {
		recs[i].LeaseEnd = recs[i].LeaseEnd.Add(-4 * time.Minute)
	}
	return recs, err
}

// withoutGeneration is a store of records that lack what ours have.
type withoutGeneration struct{ port.Store }

func (withoutGeneration) Load(_ context.Context, ids []string, _ bool) ([]port.Record, error) {
	return []port.Record{{ID: ids[0], State: task.Done}}, nil
}

func (w *world) saveRecord(rec goflow.Record) {
	w.Helper()
	require.NoError(w, w.records.Save(w.Context(), []goflow.Record{rec}))
}
