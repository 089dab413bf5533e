package goflow_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestMissingPartsAreInvalid(t *testing.T) {
	t.Parallel()
	b, s, m, dead := memory.NewBroker(), memory.NewStore(), goflow.NewMux(), goflow.NoDeadLetters()
	for want, construct := range map[string][]func() error{
		"invalid client: its broker is nil": {func() error { _, err := goflow.NewClient(nil, s); return err }},
		"invalid client: its store is nil":  {func() error { _, err := goflow.NewClient(b, nil); return err }},
		"invalid client: its remote is nil": {func() error { _, err := goflow.NewRemoteClient(nil); return err }},
		"invalid worker: its broker is nil": workers(nil, s, m, dead),
		"invalid worker: its store is nil":  workers(b, nil, m, dead),
		"invalid worker: its Mux is nil":    workers(b, s, nil, dead),
	} {
		for _, f := range construct {
			requireInvalid(t, f(), want)
		}
	}
}

// workers make one of each kind.
func workers(b goflow.Broker, s goflow.Store, m *goflow.Mux, opts ...goflow.WorkerOption) []func() error {
	return []func() error{
		func() error { _, err := goflow.NewWorker(b, s, m, opts...); return err },
		func() error { _, err := goflow.NewBatchWorker(b, s, m, opts...); return err },
		func() error { _, err := goflow.NewProcessor(b, s, m, opts...); return err },
	}
}

func requireInvalid(t *testing.T, err error, want string) {
	t.Helper()
	require.ErrorIs(t, err, goflow.ErrInvalid)
	require.ErrorContains(t, err, want)
	require.NotContains(t, err.Error(), "\n")
}

// uncomparable is a broker that == panics with.
type uncomparable struct {
	port.Broker
	_ []int
}

// hidden is one whose type does not tell.
type hidden struct{ port.Broker }

// In a queue that is worked on, each death would be a redrive.
func TestDeadLettersAreNotTheQueue(t *testing.T) {
	t.Parallel()
	b, s, m := memory.NewBroker(), memory.NewStore(), goflow.NewMux()
	for _, broker := range []port.Broker{b, hidden{b}} {
		for _, f := range workers(broker, s, m, goflow.DeadLetters(broker)) {
			requireInvalid(t, f(), `DeadLetters: those of queue "" go to a queue that this worker receives from`)
		}
	}
	for _, broker := range []port.Broker{uncomparable{Broker: b}, hidden{uncomparable{Broker: b}}} {
		for _, dead := range []port.Broker{broker, b} {
			for _, f := range workers(broker, s, m, goflow.DeadLetters(dead)) {
				require.NoError(t, f(), "nobody can tell")
			}
		}
	}
}

func TestDeadLettersAreNoneOfTheQueues(t *testing.T) {
	t.Parallel()
	first, second, dead := memory.NewBroker(), memory.NewBroker(), memory.NewBroker()
	for want, opts := range map[string][]goflow.WorkerOption{
		`those of queue ""`:     {goflow.DeadLetters(second), goflow.Queues(goflow.Queue{Name: "mail", Broker: second, DeadLetters: dead})},
		`those of queue "mail"`: {goflow.DeadLetters(dead), goflow.Queues(goflow.Queue{Name: "mail", Broker: second, DeadLetters: first})},
	} {
		_, err := goflow.NewWorker(first, memory.NewStore(), goflow.NewMux(), opts...)
		requireInvalid(t, err, want)
	}
	shared := goflow.Queues(goflow.Queue{Name: "mail", Broker: second})
	_, err := goflow.NewWorker(first, memory.NewStore(), goflow.NewMux(), goflow.DeadLetters(dead), shared)
	require.NoError(t, err)
}

// What is pushed in this process is a Go value, which no other dead-letter queue takes:
// the task would keep its lease for ever.
func TestDeadLettersOfAnInProcessQueueAreInProcess(t *testing.T) {
	t.Parallel()
	for _, f := range workers(memory.NewLocalBroker(0), memory.NewLocalStore(), goflow.NewMux(), goflow.DeadLetters(memory.NewBroker())) {
		requireInvalid(t, f(), `DeadLetters: queue "" is in this process, and its dead-letter queue is not`)
	}
}

func TestDeadLettersInThisProcessTakeThoseOfAnyQueue(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		dead := memory.NewLocalBroker(0)
		goflow.NewJob[int, int]("bad", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) { return 0, errStep })
		stop := w.start(goflow.DeadLetters(dead))
		id := w.push("bad", 1)
		require.Equal(w, task.Dead, w.wait(id).State)
		letter := w.receive(dead)
		require.Contains(w, string(letter.Body), id)
		require.NoError(w, stop())
		w.requireEmpty(w.queue)
	})
}
