package e2e_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// work runs a worker until stop is called.
func (p place) work(t *testing.T, mux *goflow.Mux, opts ...goflow.WorkerOption) (stop func()) {
	t.Helper()
	worker, err := goflow.NewWorker(p.broker(p.queue), p.store(), mux, append(opts, goflow.DeadLetters(p.broker(p.dead)))...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		require.NoError(t, <-worked)
	}
}

func (p place) client(t *testing.T) *goflow.Client {
	t.Helper()
	client, err := goflow.NewClient(p.broker(p.queue), p.store())
	require.NoError(t, err)
	return client
}

// TestCancelEndsARunningTask cancels from another program, by the record alone.
func TestCancelEndsARunningTask(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]goflow.JobOption{"Cancellable": goflow.Cancellable(), "Once": goflow.Once()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			job := goflow.NewJob[string, string]("long", option)
			began, causes := make(chan struct{}, 10), make(chan error, 10)
			mux := goflow.NewMux()
			job.Handle(mux, func(ctx context.Context, s string) (string, error) {
				began <- struct{}{}
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return s, nil
			})
			stop := p.work(t, mux)
			id, err := job.Push(t.Context(), p.client(t), "x")
			require.NoError(t, err)
			<-began
			canceller := p.client(t)
			require.NoError(t, canceller.Cancel(t.Context(), id))
			require.ErrorIs(t, canceller.Cancel(t.Context(), id), goflow.ErrFinished)
			_, err = job.Wait(t.Context(), p.client(t), id)
			require.ErrorIs(t, err, goflow.ErrCancelled)
			require.ErrorIs(t, <-causes, goflow.ErrCancelled)
			require.Eventually(t, func() bool {
				size, err := p.broker(p.queue).Size(t.Context())
				return err == nil && size.Waiting+size.Leased+size.Delayed == 0
			}, 30*time.Second, 100*time.Millisecond, "its message is deleted")
			stop()
			require.Empty(t, began, "it ran once")
			rec, err := p.client(t).Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []any{task.Cancelled, ""}, []any{rec.State, string(rec.Result)})
		})
	}
}

// TestFiveHundredWaiters share one reader, and each gets its own result.
func TestFiveHundredWaiters(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	job := goflow.NewJob[int, string]("text")
	mux := goflow.NewMux()
	job.Handle(mux, func(_ context.Context, n int) (string, error) { return strconv.Itoa(n), nil })
	client := p.client(t)
	tasks := make([]task.Task, 500)
	for n := range tasks {
		tasks[n] = task.Task{Type: job.Name(), Payload: n}
	}
	ids, err := client.PushMany(t.Context(), tasks)
	require.NoError(t, err)
	stop := p.work(t, mux)
	got, errs := make([]string, len(ids)), make([]error, len(ids))
	var waiting sync.WaitGroup
	for n, id := range ids {
		waiting.Go(func() { got[n], errs[n] = job.Wait(t.Context(), client, id) })
	}
	waiting.Wait()
	for n := range ids {
		require.NoError(t, errs[n])
		require.Equal(t, strconv.Itoa(n), got[n])
	}
	require.NoError(t, client.Close())
	stop()
}
