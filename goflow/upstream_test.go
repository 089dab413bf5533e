package goflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func newLocal(opts ...goflow.Option) *goflow.GoFlow {
	return goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), opts...)
}

func repeater(payload any) task.Result { return task.Result{Payload: payload} }

// result waits for a task's result in a synctest bubble.
func result(t *testing.T, gf *goflow.GoFlow, id string) task.Result {
	t.Helper()
	for {
		r, ok, err := gf.GetResult(id)
		require.NoError(t, err)
		if ok {
			return r
		}
		time.Sleep(time.Millisecond)
	}
}

// panickingStore is a results store whose database is down.
type panickingStore struct{}

func (panickingStore) Put(string, task.Result)        { panic("database is down") }
func (panickingStore) Get(string) (task.Result, bool) { panic("database is down") }

// closedBroker is a broker whose channel was closed under it.
type closedBroker struct {
	port.Broker
	receives atomic.Int64
}

func (b *closedBroker) Receive(context.Context, []port.Delivery) (int, error) {
	b.receives.Add(1)
	return 0, port.ErrClosed
}

// TestUpstreamDefects has a row for each proven defect of the implementation
// whose surface we keep. B is a bug, S an item of its semantics.
func TestUpstreamDefects(t *testing.T) {
	t.Parallel()
	defects := map[string]func(t *testing.T){
		"B3/CloseRunsWhatIsQueued": func(t *testing.T) {
			gf := newLocal(goflow.WithNumWorkers(1), goflow.WithTaskQueueBufferSize(100))
			gf.RegisterHandler("repeater", repeater)
			require.NoError(t, gf.Start())
			var ids []string
			for n := range 100 {
				id, err := gf.Push("repeater", n)
				require.NoError(t, err)
				ids = append(ids, id)
			}
			require.NoError(t, gf.Close())
			for n, id := range ids {
				r, ok, err := gf.GetResult(id)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, task.Result{TaskID: id, Payload: n}, r)
			}
		},
		"B11/OnlyOneOfManyStartsSucceeds": func(t *testing.T) {
			gf := newLocal()
			gf.RegisterHandler("repeater", repeater)
			var started atomic.Int64
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if gf.Start() == nil {
						started.Add(1)
					}
					_, _ = gf.Push("repeater", 1)
				})
			}
			all.Wait()
			require.Equal(t, int64(1), started.Load())
			require.NoError(t, gf.Close())
		},
		"B12/ClosedBrokerEndsTheWorker": func(t *testing.T) {
			broker := &closedBroker{}
			worker, err := goflow.NewWorker(broker, memory.NewStore(), goflow.NewMux(), goflow.NoDeadLetters())
			require.NoError(t, err)
			require.NoError(t, worker.Run(t.Context()))
			require.Equal(t, int64(1), broker.receives.Load())
		},
		"B15/FailureOfTheStoreIsSeen": func(t *testing.T) {
			down := &faultyStore{Store: memory.NewStore(), before: func(string) error { return errors.New("database is down") }}
			gf := goflow.New(memory.NewBroker(), down)
			require.NoError(t, gf.Start())
			id, err := gf.Push("repeater", 1)
			require.NoError(t, err)
			_, _, err = gf.GetResult(id)
			require.ErrorContains(t, err, "database is down")

			local := newLocal(goflow.WithResultsStore(panickingStore{}))
			local.RegisterHandler("repeater", repeater)
			require.NoError(t, local.Start())
			id, err = local.Push("repeater", 1)
			require.NoError(t, err)
			_, _, err = local.GetResult(id)
			require.ErrorContains(t, err, "database is down")
			require.NoError(t, local.Close())
		},
		"B15/FailureOfTheStoreEndsNoOutcome": func(t *testing.T) {
			var log bytes.Buffer
			gf := newLocal(goflow.WithResultsStore(panickingStore{}), goflow.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			gf.RegisterHandler("repeater", repeater)
			gf.RegisterHandler("failing", func(any) task.Result { return task.Result{ErrMsg: "no"} })
			require.NoError(t, gf.Start())
			for taskType, want := range map[string]task.State{"repeater": task.Done, "failing": task.Dead} {
				id, err := gf.Push(taskType, 1)
				require.NoError(t, err)
				rec, err := gf.Client().Wait(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, want, rec.State)
			}
			began := time.Now()
			require.NoError(t, gf.Close())
			require.Zero(t, time.Since(began), "nothing is left to wait for")
			require.Equal(t, 2, strings.Count(log.String(), "Put panicked: database is down"), log.String())
		},
		"B16/HandlersGetAContext": func(t *testing.T) {
			gf := newLocal()
			job := goflow.NewJob[int, string]("info", goflow.Timeout(time.Minute))
			job.Handle(gf.Mux(), func(ctx context.Context, _ int) (string, error) {
				info, _ := goflow.TaskFromContext(ctx)
				deadline, _ := ctx.Deadline()
				return fmt.Sprint(info.ID, info.Type, info.Attempt, time.Until(deadline)), nil
			})
			require.NoError(t, gf.Start())
			id, err := job.Push(t.Context(), gf.Client(), 1)
			require.NoError(t, err)
			got, err := job.Wait(t.Context(), gf.Client(), id)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(id, "info", 1, time.Minute), got)
			require.NoError(t, gf.Close())
		},
		"S3/StartAfterCloseSaysSo": func(t *testing.T) {
			gf := newLocal()
			require.NoError(t, gf.Start())
			require.ErrorIs(t, gf.Start(), goflow.ErrAlreadyStarted)
			require.NoError(t, gf.Close())
			require.ErrorIs(t, gf.Close(), goflow.ErrNotStarted)
			require.ErrorIs(t, gf.Start(), goflow.ErrClosed)
			_, err := gf.Push("repeater", 1)
			require.ErrorIs(t, err, goflow.ErrNotStarted)
			require.ErrorIs(t, err, goflow.ErrClosed)
		},
		"S4/TaskWithoutHandlerFails": func(t *testing.T) {
			gf := newLocal()
			require.NoError(t, gf.Start())
			id, err := gf.Push("nobody", 1)
			require.NoError(t, err)
			require.Contains(t, result(t, gf, id).ErrMsg, "no handler")
			require.NoError(t, gf.Close())
		},
		"S5/PanicFailsTheTaskOnly": func(t *testing.T) {
			gf := newLocal()
			gf.RegisterHandler("panic", func(any) task.Result { panic("ouch") })
			gf.RegisterHandler("nil", nil)
			gf.RegisterHandler("repeater", repeater)
			require.NoError(t, gf.Start())
			for taskType, reason := range map[string]string{"panic": "panic: ouch", "nil": "no handler", "repeater": ""} {
				id, err := gf.Push(taskType, 1)
				require.NoError(t, err)
				require.Contains(t, result(t, gf, id).ErrMsg, reason)
			}
			require.NoError(t, gf.Close())
		},
		"S7/StuckHandlerDoesNotBlockClose": func(t *testing.T) {
			release := make(chan struct{})
			defer close(release)
			gf := newLocal(goflow.WithNumWorkers(2), goflow.WithTaskQueueBufferSize(1), goflow.WithDrainTime(time.Minute))
			gf.RegisterHandler("stuck", func(any) task.Result {
				<-release
				return task.Result{}
			})
			gf.RegisterHandler("repeater", repeater)
			require.NoError(t, gf.Start())
			stuck, err := gf.Push("stuck", 1)
			require.NoError(t, err)
			done, err := gf.Push("repeater", 2)
			require.NoError(t, err)
			var abandoned *goflow.AbandonedError
			require.ErrorAs(t, gf.Close(), &abandoned)
			require.Equal(t, []string{stuck}, abandoned.IDs)
			r, ok, err := gf.GetResult(done)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, 2, r.Payload)
		},
		"S8/PushBlockedByAFullQueueFailsOnClose": func(t *testing.T) {
			gf := newLocal(goflow.WithNumWorkers(1), goflow.WithDrainTime(0))
			gf.RegisterHandler("slow", func(any) task.Result {
				time.Sleep(time.Minute)
				return task.Result{}
			})
			require.NoError(t, gf.Start())
			var pushed, refused atomic.Int64
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					if _, err := gf.Push("slow", 1); err == nil {
						pushed.Add(1)
					} else if errors.Is(err, goflow.ErrClosed) {
						refused.Add(1)
					}
				})
			}
			synctest.Wait()
			var abandoned *goflow.AbandonedError
			require.ErrorAs(t, gf.Close(), &abandoned)
			all.Wait()
			require.Equal(t, int64(10), pushed.Load()+refused.Load())
			require.Len(t, abandoned.IDs, int(pushed.Load()), "each push that returned nil is named")
			time.Sleep(2 * time.Minute) // for the handler that was left behind
		},
		"S13/NilHandlerStoreIsRefused": func(t *testing.T) {
			require.ErrorContains(t, goflow.NewLocalMode(nil).Start(), "handler store")
		},
	}
	for name, defect := range defects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, defect)
		})
	}
}

// TestLocalModeSurvivesLongHandlers: handlers from the store have no context,
// so no time limit of ours may hold them to be stuck.
func TestLocalModeSurvivesLongHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gf := newLocal(goflow.WithNumWorkers(2), goflow.WithDrainTime(time.Hour))
		gf.RegisterHandler("long", func(any) task.Result {
			time.Sleep(20 * time.Minute)
			return task.Result{Payload: "done"}
		})
		require.NoError(t, gf.Start())
		var ids []string
		for range 4 {
			id, err := gf.Push("long", nil)
			require.NoError(t, err)
			ids = append(ids, id)
		}
		require.NoError(t, gf.Close())
		for _, id := range ids {
			require.Equal(t, "done", result(t, gf, id).Payload)
		}
	})
}

func TestRegisterHandlerReplaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gf := newLocal()
		require.NoError(t, gf.Start())
		for _, want := range []string{"first", "second"} {
			gf.RegisterHandler("who", func(any) task.Result { return task.Result{Payload: want} })
			id, err := gf.Push("who", nil)
			require.NoError(t, err)
			require.Equal(t, want, result(t, gf, id).Payload)
		}
		require.NoError(t, gf.Close())
	})
}

func TestLocalModePassesGoValues(t *testing.T) {
	t.Parallel()
	type secret struct{ word string }
	for name, want := range map[string]any{"as it is": secret{"x"}, "through the codec": map[string]any{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []goflow.Option
				if name != "as it is" {
					opts = append(opts, goflow.WithWireCheck())
				}
				gf := newLocal(opts...)
				gf.RegisterHandler("repeater", repeater)
				require.NoError(t, gf.Start())
				id, err := gf.Push("repeater", secret{"x"})
				require.NoError(t, err)
				require.Equal(t, want, result(t, gf, id).Payload)
				require.NoError(t, gf.Close())
			})
		})
	}
}

func TestHandlerOfATakenTypePanics(t *testing.T) {
	t.Parallel()
	mux := goflow.NewMux()
	job := goflow.NewJob[string, string]("echo")
	job.Handle(mux, echo)
	require.PanicsWithValue(t, "goflow: task type echo has a handler already", func() { job.Handle(mux, echo) })
	require.PanicsWithValue(t, "goflow: task type echo has a handler already", func() { mux.Handle("echo", repeater) })
	require.PanicsWithValue(t, "goflow: nil handler for task type x", func() { mux.Handle("x", nil) })
	require.Panics(t, func() { goflow.NewJob[int, int]("no spaces") })
	require.Panics(t, func() { goflow.NewJob[int, int]("x", goflow.MaxAttempts(0)) })
}
