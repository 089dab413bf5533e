package goflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestInterplay is about features that meet in one task.
func TestInterplay(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"CopyOfARunningTaskDoesNotBuryIt": func(w *world) {
			started := goflow.NewJob[string, string]("once", goflow.Once(), goflow.MaxAttempts(1))
			id := goflow.IDFrom("order-17")
			w.copyWhileRunning(started, id, goflow.ID(id))
		},
		"CopyOfARunningTaskDoesNotExpireIt": func(w *world) {
			job := goflow.NewJob[string, string]("once", goflow.Once())
			id := goflow.IDFrom("order-18")
			w.copyWhileRunning(job, id, goflow.ID(id), goflow.ExpiresIn(5*time.Second))
		},
		"SnoozedTaskHasBegunAndDoesNotExpire": func(w *world) {
			runs := 0
			goflow.NewJob[int, int]("later").Handle(w.mux, func(context.Context, int) (int, error) {
				if runs++; runs == 1 {
					return 0, goflow.Snooze(time.Minute)
				}
				return runs, nil
			})
			id := w.push("later", 1, goflow.ExpiresIn(time.Second))
			stop := w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
		},
		"RunThatAStopHasCutOffDoesNotExpire": func(w *world) {
			runs := 0
			goflow.NewJob[int, int]("long").Handle(w.mux, func(ctx context.Context, n int) (int, error) {
				if runs++; runs == 1 {
					<-ctx.Done()
				}
				return n, ctx.Err()
			})
			stop := w.start(goflow.Drain(time.Second))
			id := w.push("long", 1, goflow.ExpiresIn(5*time.Second))
			time.Sleep(10 * time.Second)
			require.Error(w, stop(), "it is abandoned")
			stop = w.start()
			require.Equal(w, task.Done, w.wait(id).State)
			require.NoError(w, stop())
		},
		"TimeThatNobodyKnowsExpiresNothing": func(w *world) {
			goflow.NewJob[int, int]("t").Handle(w.mux, func(_ context.Context, n int) (int, error) { return n, nil })
			id := goflow.IDFrom("x")
			body := fmt.Appendf(nil, `{"v":1,"id":%q,"type":"t","payload":1,"ttl":3600000}`, id)
			w.newProcessor().Process(w.Context(), port.Delivery{Message: port.Message{ID: id, Body: body}, Receives: 1})
			require.Equal(w, task.Done, w.wait(id).State)
		},
		"TrackedTaskOfAForgetfulJobIsDone": func(w *world) {
			forget := goflow.NewJob[int, int]("forget", goflow.NoResult())
			forget.Handle(w.mux, func(context.Context, int) (int, error) { return 1, nil })
			id, err := forget.Push(w.Context(), w.client, 1, goflow.Track())
			require.NoError(w, err)
			stop := w.start()
			rec := w.wait(id)
			require.Equal(w, []any{task.Done, "null"}, []any{rec.State, string(rec.Result)})
			require.NoError(w, stop())
		},
		"SettledTaskFreesItsKey": func(w *world) {
			key := goflow.Unique("customer 7", time.Hour)
			w.push("gone", 1, key)
			d := w.receive(w.queue)
			require.NoError(w, w.dead.Send(w.Context(), []port.Message{{Body: d.Body}})) // as the broker moves it
			require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
			letters, err := goflow.NewDeadLetterQueue(w.dead, w.queue, w.records)
			require.NoError(w, err)
			for _, err := range letters.Settle(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
			}
			w.push("gone", 2, key)
		},
		"CancelledDelayEndsWithItsNextHop": func(w *world) {
			key := goflow.Unique("customer 8", 48*time.Hour)
			id := w.push("echo", "x", goflow.Delay(24*time.Hour), key)
			require.NoError(w, w.client.Cancel(w.Context(), id))
			stop := w.start()
			time.Sleep(20 * time.Minute)
			require.NoError(w, stop())
			w.requireEmpty(w.queue)
			w.push("echo", "y", key)
		},
		"SentOnTaskIsSettledUnderItsOwnID": func(w *world) {
			id := goflow.IDFrom("by hand")
			require.NoError(w, w.dead.Send(w.Context(), []port.Message{{
				Body:       []byte(`{"v":1,"type":"echo","payload":"x"}`),
				Attributes: map[string]string{"goflow-due": fmt.Sprintf(`{"delay":3600,"sent":1,"id":%q}`, id)},
			}}))
			letters, err := goflow.NewDeadLetterQueue(w.dead, w.queue, w.records)
			require.NoError(w, err)
			for letter, err := range letters.Settle(w.Context(), goflow.DeadLetterFilter{}) {
				require.NoError(w, err)
				require.Equal(w, id, letter.ID)
			}
			require.Equal(w, task.Dead, w.wait(id).State)
		},
		"GroupIsNotSentBehindOneThatIsRefused": func(w *world) {
			client, err := goflow.NewClient(memory.NewBroker(memory.Ordered()), w.records)
			require.NoError(w, err)
			tasks := []task.Task{{Type: "echo", Payload: "a"}, {Type: "no type", Payload: "b"}, {Type: "echo", Payload: "c"}}
			_, err = client.PushMany(w.Context(), tasks, goflow.Group("g"))
			require.NoError(w, port.ItemError(err, 0))
			require.ErrorIs(w, port.ItemError(err, 1), goflow.ErrInvalid)
			require.ErrorIs(w, port.ItemError(err, 2), goflow.ErrUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

// copyWhileRunning runs a task that was received once without a trace, has a copy
// of it processed meanwhile by somebody else, and wants the run's result.
func (w *world) copyWhileRunning(job *goflow.Job[string, string], id string, opts ...goflow.PushOption) {
	w.Helper()
	began := make(chan struct{})
	job.Handle(w.mux, func(_ context.Context, s string) (string, error) {
		close(began)
		time.Sleep(testLease / 3)
		return s, nil
	})
	push := func() goflow.Delivery {
		got, err := job.Push(w.Context(), w.client, "fine", opts...)
		require.NoError(w, err)
		require.Equal(w, id, got)
		return w.receive(w.queue)
	}
	d := push()
	require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: d}}))
	d = w.receive(w.queue) // so that its start is marked
	holder, other := w.newProcessor(), w.newProcessor()
	done := make(chan goflow.Outcome)
	go func() { done <- holder.Process(w.Context(), d) }()
	<-began
	second := push()
	time.Sleep(testLease / 5)
	require.Equal(w, goflow.Release, other.Process(w.Context(), second).Action)
	require.Equal(w, goflow.Ack, (<-done).Action)
	rec := w.wait(id)
	require.Equal(w, task.Done, rec.State, rec.Error)
	var result string
	require.NoError(w, json.Unmarshal(rec.Result, &result))
	require.Equal(w, "fine", result)
}

// Only what was started is abandoned; what waits behind it comes again by itself.
func TestWaitingTaskOfAGroupIsNotAbandoned(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		began, release := make(chan struct{}), make(chan struct{})
		goflow.NewJob[string, string]("deaf", goflow.Once()).Handle(w.mux, func(context.Context, string) (string, error) {
			close(began)
			<-release
			return "", nil
		})
		running := w.push("deaf", "x", goflow.Group("g"))
		w.push("deaf", "y", goflow.Group("g"))
		worker := w.newWorker(goflow.Drain(time.Second))
		ctx, stop := context.WithCancel(w.Context())
		ended := make(chan error, 1)
		go func() { ended <- worker.Run(ctx) }()
		<-began
		stop()
		var abandoned *goflow.AbandonedError
		require.ErrorAs(w, <-ended, &abandoned)
		require.Equal(w, []string{running}, abandoned.IDs)
		close(release)
	}, memory.Ordered())
}

// TestCopyMayTakeOffWhileTheKeyIsGivenBack: the first run of the task is over, and so is
// the attention to its cancel, before a copy of it is watched.
func TestCopyMayTakeOffWhileTheKeyIsGivenBack(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const trip, runs = 20 * time.Millisecond, 30 * time.Millisecond
		w.store = &tripStore{Store: w.records, takes: trip}
		ended := 0
		job := goflow.NewJob[int, int]("t", goflow.Cancellable(), goflow.NoResult())
		job.Handle(w.mux, func(context.Context, int) (int, error) {
			time.Sleep(runs)
			ended++
			return 0, nil
		})
		_, err := job.Push(w.Context(), w.client, 1, goflow.Unique("key", time.Hour))
		require.NoError(w, err)
		d, p := w.receive(w.queue), w.newProcessor()
		var both sync.WaitGroup
		both.Go(func() { p.Process(w.Context(), d) })
		time.Sleep(trip + runs + trip/4)
		both.Go(func() { p.Process(w.Context(), d) })
		both.Wait()
		require.Equal(w, 2, ended)
	})
}

// tripStore is a store that is a round trip away.
type tripStore struct {
	port.Store
	takes time.Duration
}

func (s *tripStore) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	select {
	case <-time.After(s.takes):
		return s.Store.Load(ctx, ids, fresh)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *tripStore) Save(ctx context.Context, recs []port.Record) error {
	time.Sleep(s.takes)
	return s.Store.Save(ctx, recs)
}

func (s *tripStore) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	select {
	case <-time.After(s.takes):
		return s.Store.Claim(ctx, claims)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
