package goflow_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// home is a function's: a batch worker whose time is over a minute from now.
type home struct {
	*world
	worker *goflow.BatchWorker
	log    bytes.Buffer
}

const homeTime = time.Minute

func (w *world) newHome(opts ...goflow.WorkerOption) *home {
	w.Helper()
	h := &home{world: w}
	opts = append([]goflow.WorkerOption{goflow.DeadLetters(w.dead), goflow.Logger(slog.New(slog.NewTextHandler(&h.log, nil)))}, opts...)
	var err error
	h.worker, err = goflow.NewBatchWorker(w.broker, w.store, w.mux, opts...)
	require.NoError(w, err)
	return h
}

// work receives up to ten messages and returns their outcomes.
func (h *home) work() ([]goflow.Outcome, error) {
	h.Helper()
	into := make([]port.Delivery, port.MaxMessages)
	n, err := h.queue.Receive(h.Context(), into)
	require.NoError(h, err)
	ctx, cancel := context.WithTimeout(h.Context(), homeTime)
	defer cancel()
	return h.worker.Work(ctx, goflow.Batch{Deliveries: into[:n]})
}

// names are the payloads of the tasks that ran, in order.
type names struct {
	mu   sync.Mutex
	list []string
}

func (r *names) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, name)
}

// lasting registers job t, which runs for a time, or as long as its context.
func (w *world) lasting(takes time.Duration, opts ...goflow.JobOption) *names {
	w.Helper()
	r := &names{}
	goflow.NewJob[string, string]("t", opts...).Handle(w.mux, func(ctx context.Context, s string) (string, error) {
		r.add(s)
		select {
		case <-time.After(takes):
			return s, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	return r
}

// deaf registers a job whose handlers ignore their contexts until the test ends.
func (w *world) deaf(name string, opts ...goflow.JobOption) (release func()) {
	w.Helper()
	until := make(chan struct{})
	goflow.NewJob[int, int](name, opts...).Handle(w.mux, func(context.Context, int) (int, error) {
		<-until
		return 1, nil
	})
	return sync.OnceFunc(func() { close(until) })
}

func TestFaultsOfABatch(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"StoppedWorkerGivesBackUnstarted": func(w *world) {
			r := w.lasting(time.Second)
			for range 3 {
				w.push("t", "x")
			}
			h := w.newHome()
			h.worker.Stop(time.Minute)
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Equal(w, []goflow.Outcome{{Action: goflow.Release}, {Action: goflow.Release}, {Action: goflow.Release}}, outcomes)
			require.Empty(w, r.list)
			w.requireSent(3) // at once, for a worker that is not stopped
		},
		"SuspectRunsAloneAfterItsSiblings": func(w *world) {
			r := w.lasting(time.Second, goflow.MaxAttempts(1))
			w.push("t", "suspect")
			w.receive(w.queue) // by a process that died
			time.Sleep(testLease)
			w.push("t", "sibling")
			h := w.newHome()
			begin := time.Now()
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Len(w, outcomes, 2)
			require.Equal(w, []string{"sibling", "suspect"}, r.list)
			require.GreaterOrEqual(w, time.Since(begin), 2*time.Second, "one after the other")
			for _, o := range outcomes {
				require.Equal(w, goflow.Outcome{Action: goflow.Ack}, o)
			}
		},
		"OutcomeThatIsNotStoredIsSaid": func(w *world) {
			w.lasting(time.Second)
			w.store = &faultyStore{Store: w.records, before: down(broken(), "save")}
			id := w.push("t", "x")
			h := w.newHome()
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Equal(w, goflow.Leave, outcomes[0].Action)
			require.Error(w, outcomes[0].Err)
			require.Contains(w, h.log.String(), "outcome was not stored")
			require.Contains(w, h.log.String(), id)
		},
		"TaskWithoutTimeLeftIsNotStarted": func(w *world) {
			r := w.lasting(time.Hour)
			first, second := w.push("t", "first"), w.push("t", "second")
			h := w.newHome(goflow.Concurrency(1), goflow.Margin(time.Second))
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Len(w, r.list, 1)
			require.Equal(w, goflow.Release, outcomes[0].Action)
			require.Equal(w, goflow.Release, outcomes[1].Action)
			attempts := w.attempts(first) + w.attempts(second)
			require.Equal(w, 1, attempts, "the one that ran was cut off, the other never had its turn")
		},
		"RunThatBeganLateIsNoAttempt": func(w *world) {
			r := w.lasting(homeTime * 2 / 3)
			first, second := w.push("t", "first"), w.push("t", "second")
			h := w.newHome(goflow.Concurrency(1), goflow.Margin(time.Second))
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Len(w, r.list, 2)
			require.ElementsMatch(w, []goflow.Action{goflow.Ack, goflow.Release}, []goflow.Action{outcomes[0].Action, outcomes[1].Action})
			require.Zero(w, w.attempts(first)+w.attempts(second))
		},
		"DeafOnceHandlerHasToEndTheProcess": func(w *world) {
			defer w.deaf("deaf", goflow.Once())()
			good := w.lasting(time.Second)
			w.push("deaf", 1)
			id := w.push("t", "x")
			h := w.newHome()
			begin := time.Now()
			outcomes, err := h.work()
			require.ErrorIs(w, err, goflow.ErrStuck)
			require.Less(w, time.Since(begin), homeTime)
			require.Equal(w, []goflow.Action{goflow.Leave, goflow.Ack}, []goflow.Action{outcomes[0].Action, outcomes[1].Action})
			require.Len(w, good.list, 1)
			require.Equal(w, task.Done, w.state(id), "what could be settled is")
		},
		"AsManyDeafHandlersAsSlotsHaveToEndTheProcess": func(w *world) {
			defer w.deaf("deaf")()
			id := w.push("deaf", 1)
			h := w.newHome(goflow.Concurrency(1))
			outcomes, err := h.work()
			require.ErrorIs(w, err, goflow.ErrStuck)
			require.Equal(w, goflow.Release, outcomes[0].Action)
			require.Equal(w, 1, w.attempts(id))
		},
		"StopGivesADeafHandlersTaskBackBeforeTheProcessIsKilled": func(w *world) {
			defer w.deaf("deaf")()
			id := w.push("deaf", 1)
			h := w.newHome()
			done := make(chan []goflow.Outcome)
			go func() {
				outcomes, err := h.work()
				require.NoError(w, err)
				done <- outcomes
			}()
			time.Sleep(time.Second)
			begin := time.Now()
			h.worker.Stop(time.Second)
			require.Less(w, time.Since(begin), 300*time.Millisecond, "Lambda kills half a second after its signal")
			require.Equal(w, goflow.Release, (<-done)[0].Action)
			w.requireSent(1)
			require.Zero(w, w.attempts(id))
		},
		"OneOfTwoThatRunIsCancelled": func(w *world) {
			w.lasting(homeTime/2+homeTime/4, goflow.Cancellable())
			first, second := w.push("t", "first"), w.push("t", "second")
			h := w.newHome()
			time.AfterFunc(time.Second, func() { _ = w.client.Cancel(w.Context(), first) })
			begin := time.Now()
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Equal(w, []goflow.Outcome{{Action: goflow.Ack}, {Action: goflow.Ack}}, outcomes)
			require.Equal(w, []task.State{task.Cancelled, task.Done}, []task.State{w.state(first), w.state(second)})
			require.Less(w, time.Since(begin), homeTime)
		},
		"RedrivenTaskRunsInItsNextGeneration": func(w *world) {
			runs := w.counting("t")
			id := redriven(w)
			outcomes, err := w.newHome().work()
			require.NoError(w, err)
			require.Equal(w, []goflow.Outcome{{Action: goflow.Ack}}, outcomes)
			rec := w.wait(id)
			require.Equal(w, []any{task.Done, 2, int64(1)}, []any{rec.State, rec.Generation, runs.Load()})
		},
		"LimitsThatHangCostNoOutcome": func(w *world) {
			w.lasting(time.Hour)
			asked := time.Duration(0)
			w.broker = &limitless{faultyBroker{Broker: w.queue}, func(ctx context.Context) error {
				begin := time.Now()
				<-ctx.Done()
				asked = time.Since(begin)
				return ctx.Err()
			}}
			id := w.push("t", "x")
			h := w.newHome(goflow.Margin(time.Second))
			outcomes, err := h.work()
			require.NoError(w, err)
			require.Equal(w, goflow.Release, outcomes[0].Action)
			require.Equal(w, 1, w.attempts(id), "the failure is recorded in the second that is left")
			require.Less(w, asked, time.Second/2)
		},
	})
}

// attempts are the failures that the record of a task has.
func (w *world) attempts(id string) int {
	w.Helper()
	rec, err := w.client.Get(w.Context(), id)
	require.NoError(w, err)
	return rec.Attempts
}

// deafStore answers no read and no claim.
type deafStore struct{ port.Store }

func (deafStore) Claim(ctx context.Context, _ []port.Claim) ([]port.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (deafStore) Load(ctx context.Context, _ []string, _ bool) ([]port.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestHomeSaysThatItsStoreIsDeaf: the home's time is over before the store answers, and
// its error slows the home down.
func TestHomeSaysThatItsStoreIsDeaf(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]goflow.JobOption{"read": goflow.Cancellable(), "claimed": goflow.Once()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.lease(6 * homeTime)
				w.store = deafStore{w.records}
				h := w.newHome()
				job := goflow.NewJob[int, int]("t", opt)
				job.Handle(w.mux, func(context.Context, int) (int, error) { return 0, nil })
				_, err := job.Push(w.Context(), w.client, 1)
				require.NoError(w, err)
				outcomes, err := h.work()
				require.NoError(w, err)
				require.Error(w, outcomes[0].Err)
				require.Equal(w, goflow.Leave, outcomes[0].Action)
			})
		})
	}
}
