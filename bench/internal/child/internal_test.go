package child

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// counter is a pool and a queue that count what they are given.
type counter struct{ done, awaited atomic.Int64 }

func (c *counter) Do(_ context.Context, payload string) error {
	c.done.Add(int64(len(payload)))
	return nil
}

func (c *counter) Push(_ context.Context, payload string) (string, error) {
	return strconv.FormatInt(c.done.Add(int64(len(payload))), 10), nil
}

func (c *counter) Await(_ context.Context, ids []string) error {
	distinct := map[string]bool{}
	for _, id := range ids {
		distinct[id] = true
	}
	c.awaited.Store(int64(len(distinct)))
	return nil
}

func (*counter) Work(context.Context) error { return nil }

// Each task is pushed once, and each is awaited.
func TestEveryTaskIsPushedOnce(t *testing.T) {
	t.Parallel()

	for _, tasks := range []int{1, Pushers, 250} {
		pool, queue := &counter{}, &counter{}
		push, await := Order{Do: DoPush, Tasks: tasks, Bytes: 3}, Order{Do: DoAwait}
		for _, p := range []*program{{pool: pool}, {queue: queue}} {
			for _, o := range []Order{push, await} {
				_, err := p.obey(t.Context(), o)
				require.NoError(t, err)
			}
		}
		require.EqualValues(t, 3*tasks, pool.done.Load())
		require.EqualValues(t, 3*tasks, queue.done.Load())
		require.EqualValues(t, tasks, queue.awaited.Load())
	}
}
