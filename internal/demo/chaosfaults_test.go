package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/demo/chaos"
)

func TestTroubleNeedsItsEmulators(t *testing.T) {
	t.Setenv(restartVariable, "")
	t.Setenv(freezeVariable, "")
	for want, flags := range map[string][]string{
		"eval what localstack/fast/up --durable prints": {"-chaos", "-faults"},
		"eval what localstack/up prints":                {"-chaos", "-frozen"},
	} {
		require.ErrorContains(t, run(t.Context(), flags, io.Discard), want)
	}
}

func TestChaosPlanIsAsLongAsIsWanted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 300, 2000, 5000} {
		all := chaosPlan("http://127.0.0.1", newLottery(1, 0), n)
		require.Len(t, all, n)
		kinds := map[string]bool{}
		for _, e := range all {
			kinds[e.kind] = true
		}
		require.True(t, n < 300 || len(kinds) == 23, "%d kinds of %d", len(kinds), n)
	}
}

// doubtful is a broker whose first answers are lost, and which then is away.
type doubtful struct {
	*memory.Broker
	calls int
	sent  map[string]bool // by task
}

func (d *doubtful) Send(ctx context.Context, msgs []port.Message) error {
	for _, m := range msgs {
		d.sent[m.ID] = true
	}
	switch d.calls++; {
	case d.calls <= 2:
		_ = d.Broker.Send(ctx, msgs) // which nobody hears of
		return port.ErrAmbiguous
	case d.calls <= 10:
		return port.ErrUnavailable
	}
	return d.Broker.Send(ctx, msgs)
}

// away is a store that can't be read for a while.
type away struct {
	port.Store
	until time.Time
}

func (a *away) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	if time.Now().Before(a.until) {
		return nil, port.ErrUnavailable
	}
	return a.Store.Load(ctx, ids, fresh)
}

// A producer leaves no task behind, and pushes none under two IDs.
func TestProducerPushesAndWaitsUntilItIsSure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queue, store, mux := &doubtful{Broker: memory.NewBroker(), sent: map[string]bool{}}, memory.NewStore(), goflow.NewMux()
		handlers.Register(mux)
		worker, err := goflow.NewWorker(queue.Broker, store, mux, goflow.NoDeadLetters())
		require.NoError(t, err)
		working, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- worker.Run(working) }()
		client, err := goflow.NewClient(queue, &away{store, time.Now().Add(40 * time.Second)})
		require.NoError(t, err)
		orders := make([]order, 100)
		for i := range orders {
			orders[i] = order{Type: handlers.Echo.Name(), Payload: encode(i)}
		}
		ids, ended, repeated := map[string]int{}, map[int]int{}, 0
		require.NoError(t, produceInBursts(t.Context(), client, orders, func(e event) error {
			if e.Ended {
				ended[e.N]++
				return nil
			}
			ids[e.ID], repeated = e.N, repeated+e.Again
			return nil
		}))
		stop()
		require.NoError(t, <-stopped)
		require.Len(t, ids, len(orders))
		require.Len(t, queue.sent, len(orders), "IDs")
		require.GreaterOrEqual(t, repeated, 20, "those of two calls whose answers were lost")
		for id, n := range ids {
			recs, err := store.Load(t.Context(), []string{id}, true)
			require.NoError(t, err)
			require.Equal(t, task.Done, recs[0].State)
			require.JSONEq(t, string(orders[n].Payload), string(recs[0].Result))
			require.Equal(t, 1, ended[n])
		}
	})
}

// mute is a store whose first saves are carried out, which nobody hears of.
type mute struct {
	*memory.Store
	mu   sync.Mutex
	left int
}

func (m *mute) Save(ctx context.Context, recs []port.Record) error {
	err := m.Store.Save(ctx, recs)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left > 0 {
		m.left--
		return port.ErrUnavailable
	}
	return err
}

// A cancel whose answer was lost was one, and the task is not expected to succeed.
func TestCancelIsSureOfWhatItDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &mute{Store: memory.NewStore(), left: 4} // as often as a client tries
		client, err := goflow.NewClient(memory.NewBroker(), store)
		require.NoError(t, err)
		e := chaosErrand("cancelled some time", chaos.PlainType, chaos.Args{})
		e.id, err = client.Push(t.Context(), e.taskType, e.payload)
		require.NoError(t, err)
		h := &hands{client: client, ctx: t.Context()}
		require.NoError(t, h.cancel(e))
		require.Equal(t, task.Cancelled, e.state)
		require.Zero(t, store.left)

		late := chaosErrand("cancelled some time", chaos.PlainType, chaos.Args{})
		late.id, err = client.Push(t.Context(), late.taskType, late.payload)
		require.NoError(t, err)
		require.NoError(t, store.Save(t.Context(), []port.Record{{ID: late.id, State: task.Done, Generation: 1}}))
		require.NoError(t, h.cancel(late))
		require.Equal(t, task.Done, late.state, "it had succeeded before")
	})
}

func TestOnlyWorkersThatReachNobodyAreExcused(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]bool{
		"level=ERROR msg=x\nworker: sqs: read attributes of q: unavailable: EOF\n": true,
		"worker: AWS credentials are missing: set AWS_PROFILE\n":                   true,
		"level=ERROR msg=unavailable\nworker: dynamo: save to t: refused: no\n":    false,
		"panic: oops\n": false,
		"":              false,
	} {
		f := &fleet{folder: t.TempDir(), supervised: true}
		var err error
		f.notes, err = chaos.Open(f.journal(), 0)
		require.NoError(t, err)
		m := &member{fleet: f, number: 1, life: &chaos.Life{}}
		require.NoError(t, os.WriteFile(filepath.Join(f.folder, "worker-1.log"), []byte(words), 0o600))
		require.Equal(t, want, m.excused(errDeserted), words)
		require.Equal(t, want, !m.life.Killed.IsZero())
		require.False(t, m.excused(io.EOF), "it did not end by itself")
		f.supervised = false
		require.False(t, m.excused(errDeserted))
		require.NoError(t, f.notes.Close())
	}
}
