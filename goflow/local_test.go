package goflow_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// inLocalMode runs a test on local mode with two workers, on fake time.
func inLocalMode(t *testing.T, test func(t *testing.T, gf *goflow.GoFlow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		gf := goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), goflow.WithNumWorkers(2),
			goflow.WithTaskQueueBufferSize(10), goflow.WithDrainTime(time.Second))
		require.NoError(t, gf.Start())
		defer func() { _ = gf.Close() }() // the test knows what is left
		test(t, gf)
	})
}

func pushed(t *testing.T, gf *goflow.GoFlow, job *goflow.Job[int, int], in int) string {
	t.Helper()
	id, err := job.Push(t.Context(), gf.Client(), in)
	require.NoError(t, err)
	return id
}

// A handler that ignores the end of its context is left behind. Its slot goes on with
// others, and what it comes to later changes nothing.
func TestLocalModeGoesOnWithoutAStuckHandler(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("stick", goflow.Timeout(time.Second), goflow.MaxAttempts(1))
	inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
		var most, running atomic.Int64
		release := make(chan struct{})
		job.Handle(gf.Mux(), func(_ context.Context, in int) (int, error) {
			if in == 0 {
				<-release
				return 0, nil
			}
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Millisecond)
			return in, nil
		})
		stuck := pushed(t, gf, job, 0)
		runFive := func() int64 {
			most.Store(0)
			var ids []string
			for in := range 5 {
				ids = append(ids, pushed(t, gf, job, in+1))
			}
			for in, id := range ids {
				got, err := job.Wait(t.Context(), gf.Client(), id)
				require.NoError(t, err)
				require.Equal(t, in+1, got)
			}
			return most.Load()
		}
		rec, err := gf.Client().Wait(t.Context(), stuck)
		require.NoError(t, err)
		require.Equal(t, task.Dead, rec.State)
		require.EqualValues(t, 2, runFive(), "at a time: its slot goes on without it")
		close(release)
		synctest.Wait()
		rec, err = gf.Client().Get(t.Context(), stuck)
		require.NoError(t, err)
		require.Equal(t, task.Dead, rec.State, "what an abandoned run comes to does not count")
		require.EqualValues(t, 2, runFive(), "at a time: whoever comes back is no slot any more")
	})
}

// The claim of a stuck Once task is kept, so its slot waits for it, and its result counts.
func TestLocalModeWaitsForAStuckOnceTask(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("once", goflow.Timeout(time.Second), goflow.Once())
	inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
		job.Handle(gf.Mux(), func(_ context.Context, in int) (int, error) {
			time.Sleep(time.Minute)
			return in, nil
		})
		began := time.Now()
		got, err := job.Wait(t.Context(), gf.Client(), pushed(t, gf, job, 7))
		require.NoError(t, err)
		require.Equal(t, 7, got)
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestLocalModeSurvivesAHandlerThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("exit", goflow.MaxAttempts(1))
	inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
		job.Handle(gf.Mux(), func(_ context.Context, in int) (int, error) {
			if in == 0 {
				runtime.Goexit()
			}
			return in, nil
		})
		_, err := job.Wait(t.Context(), gf.Client(), pushed(t, gf, job, 0))
		require.ErrorContains(t, err, "ended its goroutine")
		got, err := job.Wait(t.Context(), gf.Client(), pushed(t, gf, job, 1))
		require.NoError(t, err)
		require.Equal(t, 1, got)
	})
}

type key struct{}

// A handler's context is one like any other, however much or little it is asked.
func TestLocalModeContext(t *testing.T) {
	t.Parallel()
	type seen struct{ err, cause, derived, value any }
	look := func(ctx, derived context.Context) seen {
		info, _ := goflow.TaskFromContext(derived)
		return seen{ctx.Err(), context.Cause(ctx), context.Cause(derived), info.Attempt}
	}
	for name, c := range map[string]struct {
		ask  func(ctx context.Context) context.Context // before the end
		want seen
	}{
		"AskedLate":    {func(ctx context.Context) context.Context { return ctx }, seen{context.DeadlineExceeded, goflow.ErrTimeout, goflow.ErrTimeout, 1}},
		"AskedEarly":   {func(ctx context.Context) context.Context { _ = ctx.Done(); return ctx }, seen{context.DeadlineExceeded, goflow.ErrTimeout, goflow.ErrTimeout, 1}},
		"DerivedEarly": {func(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, 1) }, seen{context.DeadlineExceeded, goflow.ErrTimeout, goflow.ErrTimeout, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := goflow.NewJob[int, int]("context", goflow.Timeout(time.Second), goflow.MaxAttempts(1))
			inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
				found, kept := make(chan seen, 1), make(chan context.Context, 1)
				job.Handle(gf.Mux(), func(ctx context.Context, in int) (int, error) {
					kept <- ctx
					if in == 0 {
						return 0, nil
					}
					derived := c.ask(ctx)
					deadline, _ := ctx.Deadline()
					time.Sleep(time.Until(deadline) + time.Millisecond)
					found <- look(ctx, derived)
					return 0, ctx.Err()
				})
				_, err := job.Wait(t.Context(), gf.Client(), pushed(t, gf, job, 0))
				require.NoError(t, err)
				ended := <-kept
				require.ErrorIs(t, ended.Err(), context.Canceled, "it ends with the run")
				<-ended.Done()
				_, err = job.Wait(t.Context(), gf.Client(), pushed(t, gf, job, 1))
				require.ErrorContains(t, err, goflow.ErrTimeout.Error())
				require.Equal(t, c.want, <-found)
				<-kept
			})
		})
	}
}

// A stop ends the contexts of those who still run, also of those who only look at Err,
// and waits a moment for those who don't look.
func TestLocalModeStopEndsContexts(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("poll")
	inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
		cause, release := make(chan error, 1), make(chan struct{})
		defer close(release)
		job.Handle(gf.Mux(), func(ctx context.Context, in int) (int, error) {
			if in == 1 {
				<-release
				return 0, nil
			}
			for ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			cause <- context.Cause(ctx)
			return 0, ctx.Err()
		})
		ids := []string{pushed(t, gf, job, 0), pushed(t, gf, job, 1)}
		synctest.Wait()
		began := time.Now()
		var abandoned *goflow.AbandonedError
		require.ErrorAs(t, gf.Close(), &abandoned)
		require.ElementsMatch(t, ids, abandoned.IDs)
		require.Equal(t, 2*time.Second, time.Since(began), "the drain time and the handlers' grace")
		require.ErrorIs(t, <-cause, goflow.ErrStopping)
	})
}

func TestLocalModeWaitEnds(t *testing.T) {
	t.Parallel()
	job := goflow.NewJob[int, int]("slow")
	inLocalMode(t, func(t *testing.T, gf *goflow.GoFlow) {
		job.Handle(gf.Mux(), func(_ context.Context, in int) (int, error) {
			time.Sleep(time.Duration(in) * time.Second)
			return in, nil
		})
		id := pushed(t, gf, job, 10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := job.Wait(ctx, gf.Client(), id)
		require.ErrorIs(t, err, goflow.ErrNotFinished)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err := job.Wait(t.Context(), gf.Client(), strings.ToUpper(id))
		require.NoError(t, err, "an ID in another form is the same ID")
		require.Equal(t, 10, got)
		_, err = job.Wait(t.Context(), gf.Client(), "x")
		require.ErrorIs(t, err, goflow.ErrInvalid)
	})
}
