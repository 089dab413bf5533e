package homes

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// delays are about tasks that have to wait.
func delays() []scenario {
	return []scenario{
		{name: "DelayIsNeverEarly", run: func(t *testing.T, h Home) {
			begin := time.Now()
			_, ran := h.done(t, h.push(t, Plain, Act{}, goflow.Delay(3*time.Second)))
			require.GreaterOrEqual(t, ran.Began.Sub(begin), 2*time.Second, "brokers count in whole seconds")
		}},
		{name: "TaskThatIsTooOldExpires", run: func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{}, goflow.Delay(3*time.Second), goflow.ExpiresIn(time.Second))
			require.Equal(t, task.Expired, h.wait(t, id).State)
			_, err := Plain.Wait(t.Context(), h.Client, id)
			require.ErrorIs(t, err, goflow.ErrExpired)
		}},
		{name: "LongDelayHopsAndIsNeverEarly", run: func(t *testing.T, h Home) {
			begin, act := time.Now(), Act{Sole: true, Tell: rand.Text()}
			id, delay := h.pushLater(t, act)
			rec, ran := h.done(t, id)
			require.GreaterOrEqual(t, ran.Began.Sub(begin), delay-time.Second, "brokers count in whole seconds")
			require.Zero(t, rec.Attempts)
			h.once(t, act)
		}},
		{name: "FairTasksRun", run: func(t *testing.T, h Home) {
			key := goflow.FairKey(rand.Text())
			h.done(t, h.push(t, Plain, Act{}, key))
			h.done(t, h.push(t, Plain, Act{}, key))
		}},
	}
}

// pushLater delays a task by hops: by as long as needs them, or where that would
// take too long by what the broker could delay itself, in the way in which it can't.
func (h Home) pushLater(t *testing.T, act Act) (id string, delay time.Duration) {
	t.Helper()
	if h.features.FakeTime {
		delay = 40 * time.Minute
		return h.push(t, Plain, act, goflow.Delay(delay)), delay
	}
	id = goflow.IDFrom(rand.Text())
	require.NoError(t, h.Queue.Send(t.Context(), []port.Message{{
		Body:       fmt.Appendf(nil, `{"v":1,"id":%q,"type":%q,"payload":{"sole":true,"tell":%q}}`, id, Plain.Name(), act.Tell),
		Attributes: map[string]string{"goflow-due": `{"delay":5}`},
	}}))
	return id, 5 * time.Second
}

// pushes are about tasks that are pushed more than once.
func pushes() []scenario {
	return []scenario{
		{name: "SameIDIsOneTask", run: func(t *testing.T, h Home) {
			act := Act{Sole: true, Tell: rand.Text()}
			named := goflow.ID(goflow.IDFrom(act.Tell))
			id := h.push(t, Plain, act, named)
			h.push(t, Plain, act, named)
			h.done(t, id)
			_, err := Plain.Push(t.Context(), h.Client, Act{FailUntil: 1}, named)
			require.ErrorIs(t, err, goflow.ErrDuplicateTask)
			require.Equal(t, id, h.push(t, Plain, act, named))
			h.once(t, act)
		}},
		{name: "KeyIsOneTasksAtATime", run: func(t *testing.T, h Home) {
			key := goflow.Unique(rand.Text(), time.Hour)
			first := h.push(t, Plain, Act{}, goflow.Delay(2*time.Second), key)
			_, err := Plain.Push(t.Context(), h.Client, Act{}, key)
			require.ErrorIs(t, err, goflow.ErrNotUnique)
			h.done(t, first)
			require.Eventually(t, func() bool {
				_, err := Plain.Push(t.Context(), h.Client, Act{}, key)
				return err == nil
			}, h.patience(), 10*time.Millisecond, "it is freed with the outcome")
		}},
		{name: "CopyOfAOnceTaskHasNoEffect", run: func(t *testing.T, h Home) {
			act := Act{FailUntil: 2, Sole: true, Tell: rand.Text()}
			id := h.push(t, Once, act)
			body := fmt.Appendf(nil, `{"v":1,"id":%q,"type":%q,"payload":{"failUntil":2,"sole":true,"tell":%q}}`, id, Once.Name(), act.Tell)
			require.NoError(t, h.Queue.Send(t.Context(), []port.Message{{Body: body}}))
			rec, _ := h.done(t, id)
			require.Equal(t, 1, rec.Attempts)
			require.NoError(t, h.Queue.Send(t.Context(), []port.Message{{Body: body}}))
			h.once(t, act)
		}},
	}
}

// doubts are about pushes that fail, or may have failed.
func doubts() []scenario {
	return []scenario{
		{name: "AmbiguousPushIsMadeCertain", run: func(t *testing.T, h Home) {
			client, err := goflow.NewClient(lostAnswers{h.Queue}, h.Store)
			require.NoError(t, err)
			act := Act{Sole: true, Tell: rand.Text()}
			named := goflow.ID(goflow.IDFrom(act.Tell))
			id, err := Plain.Push(t.Context(), client, act, named)
			require.ErrorIs(t, err, goflow.ErrAmbiguous)
			require.Equal(t, id, h.push(t, Plain, act, named))
			h.done(t, id)
			h.once(t, act)
		}},
		{name: "PushManyTellsWhichWasNotTaken", run: func(t *testing.T, h Home) {
			huge, err := json.Marshal(strings.Repeat("x", 1<<20))
			require.NoError(t, err)
			tasks := []task.Task{{Type: Plain.Name(), Payload: Act{}}, {Type: Plain.Name(), Payload: json.RawMessage(huge)}, {Type: Plain.Name(), Payload: Act{}}}
			ids, err := h.Client.PushMany(t.Context(), tasks)
			require.NoError(t, port.ItemError(err, 0))
			require.ErrorIs(t, port.ItemError(err, 1), goflow.ErrTooLarge)
			require.NoError(t, port.ItemError(err, 2))
			h.done(t, ids[0])
			h.done(t, ids[2])
		}},
	}
}

// lostAnswers sends, and does not say so.
type lostAnswers struct{ port.Broker }

// Send sends.
func (b lostAnswers) Send(ctx context.Context, msgs []port.Message) error {
	return errors.Join(b.Broker.Send(ctx, msgs), port.ErrAmbiguous)
}

// waits are about who waits.
func waits() []scenario {
	return []scenario{
		{name: "TrackedTaskIsKnownAtOnce", run: func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{}, goflow.Track(), goflow.Delay(2*time.Second))
			rec, err := h.Client.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, task.Open, rec.State)
			h.done(t, id)
		}},
		{name: "WaitAllAndWaitAny", run: func(t *testing.T, h Home) {
			late := h.push(t, Plain, Act{}, goflow.Delay(3*time.Second))
			soon := h.push(t, Plain, Act{})
			rec, err := h.Client.WaitAny(t.Context(), []string{late, soon})
			require.NoError(t, err)
			require.Equal(t, soon, rec.ID)
			got := map[string]task.State{}
			for rec, err := range h.Client.WaitAll(t.Context(), []string{late, soon}) {
				require.NoError(t, err)
				got[rec.ID] = rec.State
			}
			require.Equal(t, map[string]task.State{late: task.Done, soon: task.Done}, got)
		}},
		{name: "WhatIsTooOldToBeKnownIsNotFound", run: func(t *testing.T, h Home) {
			ms := fmt.Sprintf("%012x", time.Now().Add(-30*24*time.Hour).UnixMilli())
			_, err := h.Client.Wait(t.Context(), ms[:8]+"-"+ms[8:]+"-7000-8000-000000000000")
			require.ErrorIs(t, err, goflow.ErrNotFound)
		}},
	}
}
