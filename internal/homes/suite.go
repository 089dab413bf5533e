package homes

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// Home is a place where handlers run, with Register's among them, a backoff of at
// most a second and no grace for unknown types.
type Home struct {
	Client      *goflow.Client
	Queue, Dead port.Broker
	Store       port.Store
}

// Scenario is one thing that every home does alike.
type Scenario struct {
	Name string
	Run  func(t *testing.T, h Home)
}

// patience is how long a task may take.
const patience = 2 * time.Minute

// Scenarios returns all of them. Each is at home in a bubble of its own, and
// beside others.
func Scenarios() []Scenario {
	return append([]Scenario{
		{"RetriesUntilItSucceeds", func(t *testing.T, h Home) {
			rec, ran := h.done(t, h.push(t, Plain, Act{FailUntil: 3}))
			require.Equal(t, []int{2, 3}, []int{rec.Attempts, ran.Attempt})
		}},
		{"RetryAfterSetsThePause", func(t *testing.T, h Home) {
			begin := time.Now()
			_, ran := h.done(t, h.push(t, Plain, Act{FailUntil: 2, After: 2}))
			require.GreaterOrEqual(t, ran.Began.Sub(begin), 2*time.Second)
		}},
		{"SnoozeUsesNoAttempt", func(t *testing.T, h Home) {
			until := time.Now().Add(3 * time.Second)
			rec, ran := h.done(t, h.push(t, Plain, Act{SnoozeUntil: until}))
			require.Equal(t, []int{0, 1}, []int{rec.Attempts, ran.Attempt})
			require.False(t, ran.Began.Before(until))
		}},
		{"LastAttemptIsDead", func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{FailUntil: 9}, goflow.MaxAttempts(2)), death{2, "failed", errBad.Error()})
		}},
		{"PermanentFailureIsDeadAtOnce", func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{MendedIn: 9}), death{1, "permanent", errBad.Error()})
		}},
		{"PanicIsAFailure", func(t *testing.T, h Home) {
			h.dead(t, h.push(t, Plain, Act{Panic: true}, goflow.MaxAttempts(1)), death{1, "failed", "panic: ouch"})
		}},
		{"TimeoutIsAFailure", func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{Hang: true}, goflow.MaxAttempts(1), goflow.Timeout(200*time.Millisecond))
			h.dead(t, id, death{1, "failed", goflow.ErrTimeout.Error()})
		}},
		{"UnknownTypeIsDead", func(t *testing.T, h Home) {
			id, err := h.Client.Push(t.Context(), "homes.nobody", json.RawMessage("1"))
			require.NoError(t, err)
			h.dead(t, id, death{0, "unknown type", goflow.ErrUnknownType.Error()})
		}},
		{"DelayIsNeverEarly", func(t *testing.T, h Home) {
			begin := time.Now()
			_, ran := h.done(t, h.push(t, Plain, Act{}, goflow.Delay(3*time.Second)))
			require.GreaterOrEqual(t, ran.Began.Sub(begin), 2*time.Second, "brokers count in whole seconds")
		}},
		{"TaskThatIsTooOldExpires", func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{}, goflow.Delay(3*time.Second), goflow.ExpiresIn(time.Second))
			require.Equal(t, task.Expired, h.wait(t, id).State)
		}},
	}, pushes()...)
}

// pushes are the scenarios of tasks that are pushed twice, awaited or cancelled.
func pushes() []Scenario {
	return []Scenario{
		{"SameIDIsOneTask", func(t *testing.T, h Home) {
			id := goflow.IDFrom(fmt.Sprint(t.Name(), time.Now().UnixNano()))
			h.push(t, Plain, Act{}, goflow.ID(id))
			h.push(t, Plain, Act{}, goflow.ID(id))
			_, first := h.done(t, id)
			_, err := Plain.Push(t.Context(), h.Client, Act{FailUntil: 1}, goflow.ID(id))
			require.ErrorIs(t, err, goflow.ErrDuplicateTask)
			h.push(t, Plain, Act{}, goflow.ID(id))
			h.done(t, h.push(t, Plain, Act{}, goflow.Delay(2*time.Second))) // copies had their time
			_, again := h.done(t, id)
			require.Equal(t, first.Run, again.Run)
		}},
		{"KeyIsOneTasksAtATime", func(t *testing.T, h Home) {
			key := goflow.Unique(fmt.Sprint(t.Name(), time.Now().UnixNano()), time.Hour)
			first := h.push(t, Plain, Act{}, goflow.Delay(2*time.Second), key)
			_, err := Plain.Push(t.Context(), h.Client, Act{}, key)
			require.ErrorIs(t, err, goflow.ErrNotUnique)
			h.done(t, first)
			require.Eventually(t, func() bool {
				_, err := Plain.Push(t.Context(), h.Client, Act{}, key)
				return err == nil
			}, patience, 10*time.Millisecond, "it is freed with the outcome")
		}},
		{"CopyOfAOnceTaskHasNoEffect", func(t *testing.T, h Home) {
			id := h.push(t, Once, Act{FailUntil: 2})
			body := fmt.Appendf(nil, `{"v":1,"id":%q,"type":%q,"payload":{"failUntil":2}}`, id, Once.Name())
			require.NoError(t, h.Queue.Send(t.Context(), []port.Message{{Body: body}, {Body: body}}))
			_, first := h.done(t, id)
			h.done(t, h.push(t, Plain, Act{}, goflow.Delay(2*time.Second)))
			rec, again := h.done(t, id)
			require.Equal(t, first.Run, again.Run)
			require.Equal(t, 1, rec.Attempts)
		}},
		{"CancelledTaskIsNotRun", func(t *testing.T, h Home) {
			id := h.push(t, Cancellable, Act{}, goflow.Delay(2*time.Second))
			require.NoError(t, h.Client.Cancel(t.Context(), id))
			require.Equal(t, task.Cancelled, h.wait(t, id).State)
			h.done(t, h.push(t, Plain, Act{}, goflow.Delay(3*time.Second)))
			require.Equal(t, task.Cancelled, h.wait(t, id).State)
			require.ErrorIs(t, h.Client.Cancel(t.Context(), id), goflow.ErrFinished)
		}},
		{"ForgetfulJobRecordsItsFailuresOnly", func(t *testing.T, h Home) {
			good := h.push(t, Forgetful, Act{})
			h.dead(t, h.push(t, Forgetful, Act{MendedIn: 9}), death{1, "permanent", errBad.Error()})
			_, err := Forgetful.Wait(t.Context(), h.Client, good)
			require.ErrorIs(t, err, goflow.ErrNoResult)
			rec, err := h.Client.Get(t.Context(), good)
			require.NoError(t, err)
			require.Equal(t, task.Unknown, rec.State)
		}},
		{"TrackedTaskIsKnownAtOnce", func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{}, goflow.Track(), goflow.Delay(2*time.Second))
			rec, err := h.Client.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, task.Open, rec.State)
			h.done(t, id)
		}},
		{"WaitAllAndWaitAny", func(t *testing.T, h Home) {
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
		{"RedrivenTaskRunsInItsNextGeneration", func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{MendedIn: 2})
			require.Equal(t, task.Dead, h.wait(t, id).State)
			letters, err := goflow.NewDeadLetterQueue(h.Dead, h.Queue, h.Store)
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				for letter, err := range letters.Redrive(t.Context(), goflow.DeadLetterFilter{IDs: []string{id}}) {
					return err == nil && letter.ID == id
				}
				return false
			}, patience, 10*time.Millisecond, "its dead letter is there")
			require.Eventually(t, func() bool {
				rec, err := h.Client.Get(t.Context(), id)
				return err == nil && rec.State == task.Done && rec.Generation == 2
			}, patience, 10*time.Millisecond)
		}},
	}
}

func (h Home) push(t *testing.T, job *goflow.Job[Act, Ran], act Act, opts ...goflow.PushOption) string {
	t.Helper()
	id, err := job.Push(t.Context(), h.Client, act, opts...)
	require.NoError(t, err)
	return id
}

func (h Home) wait(t *testing.T, id string) goflow.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	rec, err := h.Client.Wait(ctx, id)
	require.NoError(t, err)
	return rec
}

// done awaits a task that has to succeed.
func (h Home) done(t *testing.T, id string) (goflow.Record, Ran) {
	t.Helper()
	rec := h.wait(t, id)
	require.Equal(t, task.Done, rec.State, rec.Error)
	var ran Ran
	require.NoError(t, json.Unmarshal(rec.Result, &ran))
	return rec, ran
}

// death is how a task has to die.
type death struct {
	attempts        int
	reason, message string
}

// dead awaits a task that has to die, and its dead letter.
func (h Home) dead(t *testing.T, id string, want death) {
	t.Helper()
	rec := h.wait(t, id)
	require.Equal(t, []any{task.Dead, want.attempts, want.reason}, []any{rec.State, rec.Attempts, rec.Reason}, rec.Error)
	require.Contains(t, rec.Error, want.message)
	letters, err := goflow.NewDeadLetterQueue(h.Dead, h.Queue, h.Store)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for letter, err := range letters.List(t.Context(), goflow.DeadLetterFilter{IDs: []string{id}}) {
			return err == nil && letter.Reason == want.reason
		}
		return false
	}, patience, 10*time.Millisecond, "no dead letter says why it died")
}
