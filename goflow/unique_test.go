package goflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

const keyTime = 10 * time.Minute

func user17() goflow.PushOption { return goflow.Unique("user-17", keyTime) }

// requireHeld asserts who holds the key.
func (w *world) requireHeld(owner string) {
	w.Helper()
	_, err := w.client.Push(w.Context(), "echo", hello, user17())
	require.ErrorIs(w, err, goflow.ErrNotUnique)
	held, ok := errors.AsType[*goflow.NotUniqueError](err)
	require.True(w, ok)
	require.Equal(w, goflow.NotUniqueError{Key: "user-17", OwnerID: owner}, *held)
}

// requireFree asserts that nobody holds the key, and takes and leaves it.
func (w *world) requireFree() {
	w.Helper()
	_, err := w.over(w.sends(port.ErrTooLarge, false), w.records).Push(w.Context(), "echo", hello, user17())
	require.NotErrorIs(w, err, goflow.ErrNotUnique)
	require.ErrorIs(w, err, goflow.ErrTooLarge)
}

func TestUnique(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"SecondIsRefusedUntilTheFirstIsOver": func(w *world) {
			runs := w.counted()
			id := w.push("echo", "x", user17())
			w.requireHeld(id)
			w.requireSent(1)
			w.push("echo", "x", goflow.Unique("user-18", keyTime))
			w.push("oche", "x", user17()) // keys are a type's own
			w.process(w.newProcessor(), w.receive(w.queue))
			w.requireFree()
			require.Equal(w, int64(1), runs.Load())
		},
		"EveryOutcomeFreesTheKey": func(w *world) {
			goflow.NewJob[string, string]("echo", goflow.MaxAttempts(2)).Handle(w.mux, func(_ context.Context, s string) (string, error) {
				if s == "permanent" {
					return "", goflow.Permanent(errors.New("no"))
				}
				return "", errors.New("no")
			})
			for payload, want := range map[string]task.State{"permanent": task.Dead, "failed": task.Dead, "cancelled": task.Cancelled, "late": task.Expired} {
				id := w.push("echo", payload, user17(), goflow.ExpiresIn(time.Minute))
				if want == task.Cancelled {
					require.NoError(w, w.client.Cancel(w.Context(), id))
				}
				if want == task.Expired {
					time.Sleep(2 * time.Minute)
				}
				w.requireHeld(id)
				w.drain()
				require.Equal(w, want, w.state(id), payload)
				w.requireFree()
			}
		},
		"RetriesKeepTheKey": func(w *world) {
			goflow.NewJob[string, string]("echo").Handle(w.mux, func(context.Context, string) (string, error) { return "", errors.New("no") })
			id := w.push("echo", "x", user17())
			require.Equal(w, goflow.Release, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			w.requireHeld(id)
		},
		"EndsByItself": func(w *world) {
			id := w.push("echo", "x", user17())
			time.Sleep(keyTime - time.Second)
			w.requireHeld(id)
			time.Sleep(time.Second)
			second := w.push("echo", "x", user17())
			w.requireHeld(second)
			// The first one's end leaves the second one's key alone.
			w.counted()
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, task.Done, w.state(id))
			w.requireHeld(second)
		},
		"KilledBetweenRecordAndReleaseFreesItWhenDeliveredAgain": func(w *world) {
			runs := w.counted()
			id := w.push("echo", "x", user17())
			dying := &faultyStore{Store: w.records}
			dying.before = func(method string) error {
				if dying.count("save") > 1 || method == "load" {
					return port.ErrRefused
				}
				return nil
			}
			w.store = dying
			o := w.newProcessor().Process(w.Context(), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action, "a message whose key is not free stays")
			require.ErrorIs(w, o.Err, goflow.ErrRefused)
			require.Equal(w, task.Done, w.state(id), "the record comes first")
			w.requireHeld(id)
			w.store = w.records
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			w.requireFree()
			require.Equal(w, int64(1), runs.Load())
		},
		"KilledBeforeTheDeleteLeavesTheNextOwnerAlone": func(w *world) {
			w.counted()
			w.push("echo", "x", user17())
			d := w.receive(w.queue)
			require.Equal(w, goflow.Ack, w.newProcessor().Process(w.Context(), d).Action) // and the process dies
			next := w.push("echo", "x", user17(), goflow.Delay(5*time.Minute))
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			w.requireHeld(next)
		},
		"OwnerEntersAgain": func(w *world) {
			id := goflow.IDFrom("order-17")
			w.push("echo", "x", goflow.ID(id), user17())
			w.push("echo", "x", goflow.ID(id), user17())
			w.requireHeld(id)
			_, err := w.over(w.sends(port.ErrRefused, false), w.records).Push(w.Context(), "echo", []byte(`"x"`), goflow.ID(id), user17())
			require.ErrorIs(w, err, goflow.ErrRefused)
			w.requireHeld(id) // an earlier push was accepted
			w.counted()
			w.drain()
			w.push("echo", "x", goflow.ID(id), user17())
			w.requireFree()
		},
		"RefusedPushFreesItAndAnAmbiguousOneKeepsIt": func(w *world) {
			for _, refusal := range []error{port.ErrRefused, port.ErrUnavailable, port.ErrInvalid, port.ErrTooLarge} {
				_, err := w.over(w.sends(refusal, false), w.records).Push(w.Context(), "echo", hello, user17())
				require.ErrorIs(w, err, refusal)
				w.requireFree()
			}
			id, err := w.over(w.sends(port.ErrAmbiguous, true), w.records).Push(w.Context(), "echo", hello, user17())
			require.ErrorIs(w, err, goflow.ErrAmbiguous)
			w.requireHeld(id)
		},
		"KeyThatCannotBeTakenStopsTheSend": func(w *world) {
			_, err := w.over(w.queue, claimless{w.records}).Push(w.Context(), "echo", hello, user17())
			require.ErrorIs(w, err, goflow.ErrUnavailable)
			w.requireSent(0)
		},
		"RowThatIsNoneIsMalformed": func(w *world) {
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{Body: []byte(`{"v":1,"type":"echo","unique":"user-17"}`)}}))
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			_, note := w.deadLetter()
			require.Equal(w, "malformed", note["reason"])
		},
		"BadKeysAreRefused": func(w *world) {
			for _, opt := range []goflow.PushOption{
				goflow.Unique("", keyTime), goflow.Unique(string(make([]byte, 1025)), keyTime),
				goflow.Unique("a", time.Second-1), goflow.Unique("a", 30*24*time.Hour+1),
			} {
				_, err := w.client.Push(w.Context(), "echo", hello, opt)
				require.ErrorIs(w, err, goflow.ErrInvalid)
			}
			_, err := w.client.PushMany(w.Context(), []task.Task{{Type: "echo"}, {Type: "echo"}}, user17())
			require.ErrorIs(w, err, goflow.ErrInvalid)
			w.requireSent(0)
		},
	})
}

// claimless is a store whose claims are throttled.
type claimless struct{ port.Store }

func (claimless) Claim(_ context.Context, claims []port.Claim) ([]port.Record, error) {
	return make([]port.Record, len(claims)), port.ErrUnavailable
}
