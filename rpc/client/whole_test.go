package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

func finished(t *testing.T) error {
	t.Helper()
	return convert.Refusal(codes.FailedPrecondition, rpc.Reason_REASON_FINISHED, "finished")
}

func insecureTLS() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

var double = goflow.NewJob[int, int]("double", goflow.MaxAttempts(1))

// serve starts a whole server and a worker in memory, and returns its address.
func serve(t *testing.T, opts ...server.Option) string {
	t.Helper()
	newQueue := func() *memory.Broker { return memory.NewBroker(memory.PollWait(50 * time.Millisecond)) }
	queue, dead, store, mux := newQueue(), newQueue(), memory.NewStore(), goflow.NewMux()
	double.Handle(mux, func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errors.New("negative")
		}
		return 2 * n, nil
	})
	worker, err := goflow.NewWorker(queue, store, mux, goflow.DeadLetters(dead))
	require.NoError(t, err)
	here, err := goflow.NewClient(queue, store)
	require.NoError(t, err)
	letters, err := goflow.NewDeadLetterQueue(dead, queue, store)
	require.NoError(t, err)
	srv, err := server.New(here, append([]server.Option{
		server.Authenticate(server.Anyone(rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ, rpc.Role_ROLE_ADMIN)),
		server.Queues(server.Queue{Size: queue, Dead: dead}), server.AdminDeadLetters(letters),
	}, opts...)...)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- worker.Run(ctx) }()
	go func() { ended <- srv.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, errors.Join(<-ended, <-ended))
		require.NoError(t, here.Close())
	})
	return listener.Addr().String()
}

func TestWhole(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	id, err := double.Push(t.Context(), c.Client, 21)
	require.NoError(t, err)
	got, err := double.Wait(t.Context(), c.Client, id)
	require.NoError(t, err)
	require.Equal(t, 42, got)

	bad, err := double.Push(t.Context(), c.Client, -1)
	require.NoError(t, err)
	var failed *goflow.TaskError
	_, err = double.Wait(t.Context(), c.Client, bad)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "negative", failed.Reason)
	require.ErrorIs(t, c.Cancel(t.Context(), id), goflow.ErrFinished)

	var states []task.State
	for rec, err := range c.Watch(t.Context(), []string{id, bad}) {
		require.NoError(t, err)
		states = append(states, rec.State)
	}
	require.ElementsMatch(t, []task.State{task.Done, task.Dead}, states)
}

func TestDeadLettersAndStats(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	id, err := double.Push(t.Context(), c.Client, -1)
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stats, err := c.Stats(t.Context())
		require.NoError(t, err)
		return *stats[0].Dead == 1
	}, waitTime, tick)

	letters, filter := c.DeadLetters(), goflow.DeadLetterFilter{IDs: []string{id}}
	n := 0
	for letter, err := range letters.List(t.Context(), filter) {
		require.NoError(t, err)
		require.Equal(t, []string{id, "failed", "negative"}, []string{letter.ID, letter.Reason, letter.Error})
		n++
	}
	require.Equal(t, 1, n)
	n = 0
	for letter, err := range letters.Redrive(t.Context(), filter) {
		require.NoError(t, err)
		require.Equal(t, id, letter.ID)
		n++
	}
	require.Equal(t, 1, n)
	require.Eventually(t, func() bool {
		rec, err := c.Get(t.Context(), id)
		require.NoError(t, err)
		return rec.Generation == 2 && rec.State == task.Dead
	}, waitTime, tick)
	for _, err := range letters.Settle(t.Context(), filter) {
		require.NoError(t, err)
	}
	dropped := 0
	for _, err := range letters.Drop(t.Context(), filter) {
		require.NoError(t, err)
		dropped++
	}
	require.Equal(t, 1, dropped)
	for _, err := range letters.RedriveAll(t.Context()) {
		require.ErrorIs(t, err, goflow.ErrRefused, "memory has no such move")
	}
	for _, err := range letters.List(t.Context(), goflow.DeadLetterFilter{IDs: []string{"1"}}) {
		require.ErrorIs(t, err, goflow.ErrInvalid)
	}
	require.NoError(t, c.Close())
	for _, err := range c.Watch(t.Context(), []string{id}) {
		require.Error(t, err)
	}
	_, err = c.Stats(t.Context())
	require.Error(t, err)
}

// A token that is not known lets nobody in, and is no outage.
func TestUnknownToken(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t), client.Token("unknown"))
	_, err := double.Push(t.Context(), c.Client, 1)
	require.ErrorIs(t, err, goflow.ErrRefused)
	_, err = c.Stats(t.Context())
	require.ErrorIs(t, err, goflow.ErrRefused)
}
