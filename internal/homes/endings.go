package homes

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// endings are the ways in which a task can end.
func endings() []scenario {
	return []scenario{
		{name: "RetriesUntilItSucceeds", run: func(t *testing.T, h Home) {
			rec, ran := h.done(t, h.push(t, Plain, Act{FailUntil: 3}))
			require.Equal(t, []int{2, 3}, []int{rec.Attempts, ran.Attempt})
		}},
		{name: "RetryAfterSetsThePause", run: func(t *testing.T, h Home) {
			begin := time.Now()
			_, ran := h.done(t, h.push(t, Plain, Act{FailUntil: 2, After: 2}))
			require.GreaterOrEqual(t, ran.Began.Sub(begin), 2*time.Second)
		}},
		{name: "SnoozeUsesNoAttempt", run: func(t *testing.T, h Home) {
			until := time.Now().Add(3 * time.Second)
			rec, ran := h.done(t, h.push(t, Plain, Act{SnoozeUntil: until}))
			require.Equal(t, []int{0, 1}, []int{rec.Attempts, ran.Attempt})
			require.False(t, ran.Began.Before(until))
		}},
		{name: "LastAttemptIsDead", run: func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{FailUntil: 9}, goflow.MaxAttempts(2)), death{2, "failed", errBad.Error()})
		}},
		{name: "PermanentFailureIsDeadAtOnce", run: func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{MendedIn: 9}), death{1, "permanent", errBad.Error()})
		}},
		{name: "PanicIsAFailure", run: func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{Panic: true}, goflow.MaxAttempts(1)), death{1, "failed", "panic: ouch"})
		}},
		{name: "UnknownTypeIsDead", run: func(t *testing.T, h Home) {
			id, err := h.Client.Push(t.Context(), "homes.nobody", json.RawMessage("1"))
			require.NoError(t, err)
			h.dead(t, id, death{0, "unknown type", goflow.ErrUnknownType.Error()})
		}},
		{name: "FailureIsAnErrorOfItsOwn", run: func(t *testing.T, h Home) {
			_, err := Plain.Wait(t.Context(), h.Client, h.push(t, Plain, Act{MendedIn: 9}))
			failed, ok := errors.AsType[*goflow.TaskError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, []any{task.Dead, 1, errBad.Error()}, []any{failed.State, failed.Attempts, failed.Reason})
		}},
		{name: "ForgetfulJobRecordsItsFailuresOnly", run: func(t *testing.T, h Home) {
			good := h.push(t, Forgetful, Act{})
			h.dead(t, h.push(t, Forgetful, Act{MendedIn: 9}), death{1, "permanent", errBad.Error()})
			_, err := Forgetful.Wait(t.Context(), h.Client, good)
			require.ErrorIs(t, err, goflow.ErrNoResult)
			rec, err := h.Client.Get(t.Context(), good)
			require.NoError(t, err)
			require.Equal(t, task.Unknown, rec.State)
		}},
	}
}

// timeouts are about tasks that take too long.
func timeouts() []scenario {
	return []scenario{
		{name: "TimeoutIsAFailure", run: func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{Hang: true}, goflow.MaxAttempts(1), goflow.Timeout(200*time.Millisecond))
			h.dead(t, id, death{1, "failed", goflow.ErrTimeout.Error()})
		}},
		{name: "HandlerThatIgnoresItsContextIsLeftBehind", run: func(t *testing.T, h Home) {
			const long = time.Minute
			begin := time.Now()
			act := Act{Deaf: true, Millis: int(long / time.Millisecond)}
			id := h.push(t, Plain, act, goflow.MaxAttempts(1), goflow.Timeout(200*time.Millisecond))
			h.dead(t, id, death{1, "failed", goflow.ErrTimeout.Error()})
			h.done(t, h.push(t, Plain, Act{}))
			require.Less(t, time.Since(begin), long)
			if h.features.FakeTime {
				time.Sleep(long) // nothing may outlive its bubble
			}
		}},
	}
}

// redrives are about tasks that are dead.
func redrives() []scenario {
	return []scenario{
		{name: "RedrivenTaskRunsInItsNextGeneration", run: func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{MendedIn: 2})
			require.Equal(t, task.Dead, h.wait(t, id).State)
			h.redrive(t, id)
		}},
		{name: "WhatTheBrokerMovedIsSettled", run: func(t *testing.T, h Home) {
			id := goflow.IDFrom(rand.Text())
			body := fmt.Appendf(nil, `{"v":1,"id":%q,"type":%q,"payload":{}}`, id, Plain.Name())
			require.NoError(t, h.Dead.Send(t.Context(), []port.Message{{ID: id, Body: body}}))
			h.letter(t, (*goflow.DeadLetterQueue).Settle, id)
			rec := h.wait(t, id)
			require.Equal(t, []any{task.Dead, "moved by SQS"}, []any{rec.State, rec.Reason})
			h.redrive(t, id)
		}},
	}
}

// letter does something with the dead letter of a task, once it is there.
func (h Home) letter(t *testing.T, do func(*goflow.DeadLetterQueue, context.Context, goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error], id string) {
	t.Helper()
	letters, err := goflow.NewDeadLetterQueue(h.Dead, h.Queue, h.Store)
	require.NoError(t, err)
	h.eventually(t, func() bool {
		for letter, err := range do(letters, t.Context(), goflow.DeadLetterFilter{IDs: []string{id}}) {
			return err == nil && letter.ID == id
		}
		return false
	}, "it has no dead letter")
}

// redrive lets a dead task run again, and succeed.
func (h Home) redrive(t *testing.T, id string) {
	t.Helper()
	h.letter(t, (*goflow.DeadLetterQueue).Redrive, id)
	h.eventually(t, func() bool {
		rec, err := h.Client.Get(t.Context(), id)
		return err == nil && rec.State == task.Done && rec.Generation == 2
	}, "it does not run again")
}
