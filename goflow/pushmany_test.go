package goflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// A server gets the tasks of many in one call, each for a queue of its own.
func TestServedPushesGoToTheirOwnQueues(t *testing.T) {
	t.Parallel()
	brokers := map[string]*memory.Broker{"": memory.NewBroker(), "a": memory.NewBroker(), "b": memory.NewBroker()}
	client, err := goflow.NewClient(brokers[""], memory.NewStore(), goflow.Queues(
		goflow.Queue{Name: "a", Broker: brokers["a"]}, goflow.Queue{Name: "b", Broker: brokers["b"]}))
	require.NoError(t, err)
	var pushes []port.Push
	for i := range 33 {
		pushes = append(pushes, port.Push{Type: "x", Queue: []string{"", "a", "b"}[i%3]})
	}
	pushes = append(pushes, port.Push{Type: "x", Queue: "nobody's"})
	err = client.Remote().Push(t.Context(), pushes)
	for i := range 33 {
		require.NoError(t, port.ItemError(err, i))
	}
	require.ErrorIs(t, port.ItemError(err, 33), goflow.ErrInvalid)
	for name, broker := range brokers {
		size, err := broker.Size(t.Context())
		require.NoError(t, err)
		require.Equal(t, port.Size{Waiting: 11}, size, name)
	}
}

// takesAMinute answers after a minute, unless the call's context ends.
type takesAMinute struct{ port.Remote }

func (takesAMinute) Push(ctx context.Context, _ []port.Push) error {
	select {
	case <-time.After(time.Minute):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Who has less time than others in the same call ends it for nobody else.
func TestShortestTimeEndsNoSharedPush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := goflow.NewRemoteClient(takesAMinute{})
		require.NoError(t, err)
		push := func(limit time.Duration) <-chan error {
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				_, err := client.Push(ctx, "x", json.RawMessage("1"))
				done <- err
			}()
			synctest.Wait()
			return done
		}
		first, long, short := push(time.Hour), push(time.Hour), push(30*time.Second)
		require.ErrorIs(t, <-short, goflow.ErrAmbiguous)
		require.NoError(t, <-first)
		require.NoError(t, <-long)
		soon()
	})
}

// refusingOnce is a broker that does not take some messages of the first send, and
// takes those behind them.
type refusingOnce struct {
	*memory.Broker
	refused []int
	sends   int
}

func (b *refusingOnce) Send(ctx context.Context, msgs []port.Message) error {
	if b.sends++; b.sends > 1 {
		return b.Broker.Send(ctx, msgs)
	}
	errs, taken := port.ItemErrors{}, []port.Message{}
	for i := range msgs {
		if slices.Contains(b.refused, i) {
			errs[i] = port.ErrUnavailable
			continue
		}
		taken = append(taken, msgs[i])
	}
	return errors.Join(b.Broker.Send(ctx, taken), errs)
}

// TestNoTaskIsSentAgainBehindItsGroup: who learns that a task was not sent can decide
// what becomes of those that were; a group out of order is not to be seen by anybody.
func TestNoTaskIsSentAgainBehindItsGroup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refused, failed []int
		ordered         bool
	}{
		"one that others are behind":   {[]int{0}, []int{0}, true},
		"the last ones":                {[]int{1, 2}, nil, true},
		"one before and the last":      {[]int{0, 2}, []int{0}, true},
		"a queue that keeps no order":  {[]int{0}, nil, false},
		"all of them, and in order so": {[]int{0, 1, 2}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broker []memory.BrokerOption
			var push []goflow.PushOption
			if c.ordered {
				broker, push = append(broker, memory.Ordered()), append(push, goflow.Group("g"))
			}
			inWorld(t, func(w *world) {
				client, err := goflow.NewClient(&refusingOnce{Broker: w.queue, refused: c.refused}, w.records)
				require.NoError(w, err)
				_, err = client.PushMany(w.Context(), []task.Task{{Type: "t", Payload: 0}, {Type: "t", Payload: 1}, {Type: "t", Payload: 2}}, push...)
				failed, _ := errors.AsType[port.ItemErrors](err)
				require.ElementsMatch(w, c.failed, slices.Collect(maps.Keys(failed)))
				for _, err := range failed {
					require.ErrorIs(w, err, goflow.ErrUnavailable)
					require.ErrorContains(w, err, "later tasks of its group were")
				}
				last := -1
				for range 3 - len(c.failed) {
					d := w.receive(w.queue)
					var e struct {
						Payload int `json:"payload"`
					}
					require.NoError(w, json.Unmarshal(d.Body, &e))
					require.True(w, e.Payload > last || !c.ordered, "%d came behind %d", e.Payload, last)
					last = e.Payload
					require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
				}
			}, broker...)
		})
	}
}
