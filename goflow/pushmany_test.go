package goflow_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// unreachable is a broker whose limits nobody can read.
type unreachable struct {
	*memory.Broker
	asked int
}

func (b *unreachable) Limits(context.Context) (port.Limits, error) {
	b.asked++
	return port.Limits{}, port.ErrUnavailable
}

// What cannot be reached is asked once for a push, not once for each of its
// tasks: with AWS away each answer takes seconds.
func TestUnreachableQueueIsAskedOnceForAPush(t *testing.T) {
	t.Parallel()
	broker := &unreachable{Broker: memory.NewBroker()}
	client, err := goflow.NewClient(broker, memory.NewStore())
	require.NoError(t, err)
	tasks := make([]task.Task, 20)
	for i := range tasks {
		tasks[i] = task.Task{Type: "x", Payload: i}
	}
	_, err = client.PushMany(t.Context(), tasks)
	for i := range tasks {
		require.ErrorIs(t, port.ItemError(err, i), goflow.ErrUnavailable)
	}
	require.Equal(t, 1, broker.asked)
	_, err = client.Push(t.Context(), "x", json.RawMessage("1"))
	require.ErrorIs(t, err, goflow.ErrUnavailable)
	require.Equal(t, 2, broker.asked, "the next push asks again")
}

// A task that has an outcome is no error, whatever stands before it.
func TestFinishedTaskOfAGroupIsNotHeldBack(t *testing.T) {
	t.Parallel()
	id, records := goflow.IDFrom("done"), memory.NewStore()
	require.NoError(t, records.Save(t.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1, Result: []byte("1")}}))
	client, err := goflow.NewClient(memory.NewBroker(memory.Ordered()), records)
	require.NoError(t, err)
	huge := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
	_, err = client.PushMany(t.Context(), []task.Task{
		{Type: "x", Payload: huge}, {Type: "x", Payload: 1, ID: id}, {Type: "x", Payload: 1},
	}, goflow.Group("g"))
	require.ErrorIs(t, port.ItemError(err, 0), goflow.ErrTooLarge)
	require.NoError(t, port.ItemError(err, 1))
	require.ErrorIs(t, port.ItemError(err, 2), goflow.ErrUnavailable)
}
