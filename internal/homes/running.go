package homes

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// cancels are about tasks that nobody wants any more.
func cancels() []scenario {
	return []scenario{
		{name: "CancelledTaskIsNotRun", run: func(t *testing.T, h Home) {
			id := h.push(t, Cancellable, Act{}, goflow.Delay(2*time.Second))
			require.NoError(t, h.Client.Cancel(t.Context(), id))
			require.Equal(t, task.Cancelled, h.wait(t, id).State)
			h.done(t, h.push(t, Plain, Act{}, goflow.Delay(3*time.Second)))
			require.Equal(t, task.Cancelled, h.wait(t, id).State)
			require.ErrorIs(t, h.Client.Cancel(t.Context(), id), goflow.ErrFinished)
			_, err := Cancellable.Wait(t.Context(), h.Client, id)
			require.ErrorIs(t, err, goflow.ErrCancelled)
		}},
		{name: "CancelEndsWhatRuns", patient: true, run: func(t *testing.T, h Home) {
			var tasks []task.Task
			var acts []Act
			for _, job := range []string{Cancellable.Name(), Once.Name()} {
				acts = append(acts, Act{Hang: true, Tell: rand.Text()})
				raw, err := json.Marshal(acts[len(acts)-1])
				require.NoError(t, err)
				tasks = append(tasks, task.Task{Type: job, Payload: json.RawMessage(raw)})
			}
			ids, err := h.Client.PushMany(t.Context(), tasks)
			require.NoError(t, err)
			asked := make([]time.Time, len(ids))
			for i, id := range ids {
				h.told(t, acts[i].Tell, began)
				asked[i] = time.Now()
				require.NoError(t, h.Client.Cancel(t.Context(), id))
				require.Equal(t, task.Cancelled, h.wait(t, id).State)
			}
			for i, act := range acts {
				told := h.told(t, act.Tell, ended)
				require.Equal(t, goflow.ErrCancelled.Error(), told.Cause)
				require.LessOrEqual(t, told.At.Sub(asked[i]), h.features.SeesCancelWithin+h.features.Slack+time.Millisecond)
			}
			h.done(t, h.push(t, Plain, Act{}, goflow.Delay(2*time.Second))) // a retry had its time
			for _, id := range ids {
				rec := h.wait(t, id)
				require.Equal(t, []any{task.Cancelled, 0}, []any{rec.State, rec.Attempts})
			}
		}},
	}
}

// leases are about tasks that take longer than a lease.
func leases(f Features) []scenario {
	return []scenario{
		{name: "LongTaskKeepsItsLease", lease: f.lease(), run: func(t *testing.T, h Home) {
			stops := []func() error{h.Start(t, h), h.Start(t, h)} // the other one would get it
			act := Act{Millis: int(5 * f.lease() / 2 / time.Millisecond), Sole: true, Tell: rand.Text()}
			rec, ran := h.done(t, h.push(t, Plain, act))
			require.Equal(t, []int{0, 1}, []int{rec.Attempts, ran.Attempt})
			h.once(t, act)
			for _, stop := range stops {
				require.NoError(t, stop())
			}
		}},
		{name: "OnceTaskDoesNotRunBesideItself", lease: f.lease(), run: func(t *testing.T, h Home) {
			stops := []func() error{h.Start(t, h), h.Start(t, h)}
			act := Act{Millis: 1500, Sole: true, Tell: rand.Text()}
			id := h.push(t, Once, act)
			h.told(t, act.Tell, began)
			body := fmt.Appendf(nil, `{"v":1,"id":%q,"type":%q,"payload":{"sole":true,"tell":%q}}`, id, Once.Name(), act.Tell)
			require.NoError(t, h.Queue.Send(t.Context(), []port.Message{{Body: body}, {Body: body}}))
			h.done(t, id)
			h.once(t, act)
			for _, stop := range stops {
				require.NoError(t, stop())
			}
		}},
		{name: "LostLeaseEndsTheContext", lease: f.lease(), run: func(t *testing.T, h Home) {
			act := Act{Hang: true, Tell: rand.Text()}
			id := h.push(t, Plain, act)
			kept := h.Queue
			h.Queue = unrenewed{kept}
			stop := h.Start(t, h)
			require.Equal(t, goflow.ErrLeaseLost.Error(), h.told(t, act.Tell, ended).Cause)
			rec, ran := h.done(t, id)
			require.Equal(t, 0, rec.Attempts, "a lost lease is no failure")
			require.NotEqual(t, h.told(t, act.Tell, began).Run, ran.Run)
			require.NoError(t, stop())
		}},
	}
}

// unrenewed renews no lease, and gives back.
type unrenewed struct{ port.Broker }

// Limits are those of the broker.
func (b unrenewed) Limits(ctx context.Context) (port.Limits, error) {
	limiter, ok := b.Broker.(port.Limiter)
	if !ok {
		return port.Limits{}, port.ErrInvalid
	}
	return limiter.Limits(ctx)
}

// Extend only gives back.
func (b unrenewed) Extend(ctx context.Context, leases []port.Lease) error {
	if slices.ContainsFunc(leases, func(l port.Lease) bool { return l.For > 0 }) {
		return port.ErrUnavailable
	}
	return b.Broker.Extend(ctx, leases)
}

// stops are about homes that come and go.
func stops() []scenario {
	const long = 30 * time.Second // than which a new home has to be quicker
	return []scenario{
		{name: "TaskOfAProcessThatDiedRunsAgain", lease: 3 * Lease, run: func(t *testing.T, h Home) {
			id := h.push(t, Plain, Act{})
			n, err := h.Queue.Receive(t.Context(), make([]port.Delivery, 1))
			require.NoError(t, err)
			require.Equal(t, 1, n)
			stop := h.Start(t, h)
			rec, ran := h.done(t, id)
			require.Equal(t, []int{0, 1}, []int{rec.Attempts, ran.Attempt}, "a receive is no attempt")
			require.NoError(t, stop())
		}},
		{name: "StopEndsWhatItMayAndGivesBackTheRest", lease: long, run: func(t *testing.T, h Home) {
			a, b := h.group(), h.group()
			brief, endless := Act{Millis: 1500, Tell: rand.Text()}, Act{Hang: true, Tell: rand.Text()}
			first := h.push(t, Plain, brief, a...)
			var waiting []string
			if h.ordered { // it is received with the first one, and waits for it
				waiting = append(waiting, h.push(t, Plain, Act{}, a...))
			}
			last := h.push(t, Plain, endless, b...)
			stop := h.Start(t, h, goflow.Concurrency(2), goflow.Drain(3*time.Second))
			h.told(t, brief.Tell, began)
			h.told(t, endless.Tell, began)
			waiting = append(waiting, h.push(t, Plain, Act{}, a...))
			err := stop()
			if h.features.Drains {
				abandoned, ok := errors.AsType[*goflow.AbandonedError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, []string{last}, abandoned.IDs)
				rec, err := h.Client.Get(t.Context(), first)
				require.NoError(t, err)
				require.Equal(t, task.Done, rec.State, "it had the time to end")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, goflow.ErrStopping.Error(), h.told(t, endless.Tell, ended).Cause)
			again := time.Now()
			stop = h.Start(t, h)
			for _, id := range append(waiting, first, last) {
				rec, ran := h.done(t, id)
				require.Equal(t, []int{0, 1}, []int{rec.Attempts, ran.Attempt}, "a stop is no failure")
				require.Less(t, ran.Began.Sub(again), long/2, "it went back at once")
			}
			require.NoError(t, stop())
		}},
	}
}
