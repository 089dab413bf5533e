package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestPushesThatCanBeRepeated is about what pushes write into a table of AWS.
func TestPushesThatCanBeRepeated(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	client := p.program(t).Client()
	push := func(payload string, opts ...goflow.PushOption) (string, error) {
		return client.Push(t.Context(), "echo", json.RawMessage(payload), opts...)
	}
	chosen, one := goflow.ID(goflow.IDFrom("order-17")), goflow.Unique("user-17", time.Hour)

	id, err := push(`1`, chosen)
	require.NoError(t, err)
	_, err = push(`1`, chosen)
	require.NoError(t, err)
	_, err = push(`2`, chosen)
	require.ErrorIs(t, err, goflow.ErrDuplicateTask)

	owner, err := push(`3`, one, goflow.Track())
	require.NoError(t, err)
	requireState(t, client, owner, task.Open)
	_, err = push(`4`, one)
	held, ok := errors.AsType[*goflow.NotUniqueError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, owner, held.OwnerID)

	later, err := push(`5`, goflow.Delay(7*24*time.Hour))
	require.NoError(t, err)
	requireState(t, client, later, task.Open)

	mux := goflow.NewMux()
	mux.Handle("echo", func(payload any) task.Result { return task.Result{Payload: payload} })
	worker, err := goflow.NewWorker(p.broker(p.queue), p.store(), mux, goflow.DeadLetters(p.broker(p.dead)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(ctx) }()
	for _, id := range []string{id, owner} {
		rec, err := client.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, task.Done, rec.State, rec.Error)
	}
	next := ""
	require.Eventually(t, func() bool { // the key is free after the record
		next, err = push(`6`, one)
		return !errors.Is(err, goflow.ErrNotUnique)
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, err)
	require.NotEqual(t, owner, next)
	_, err = push(`1`, chosen)
	require.NoError(t, err, "finished: its ID and nothing sent")
	_, err = push(`2`, chosen)
	require.ErrorIs(t, err, goflow.ErrDuplicateTask)
	stop()
	require.NoError(t, <-worked)
}

func requireState(t *testing.T, c *goflow.Client, id string, want task.State) {
	t.Helper()
	rec, err := c.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, rec.State)
}
