package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestOrderOverSQS lets steps of three groups fail now and then, on two workers of
// a FIFO queue: each group runs in its order, retries included.
func TestOrderOverSQS(t *testing.T) {
	t.Parallel()
	p := newPlaceNamed(t, ".fifo")
	var mu sync.Mutex
	ran := map[string][]string{}
	step := goflow.NewJob[string, string]("step", goflow.MaxAttempts(2))
	mux := goflow.NewMux()
	step.Handle(mux, func(ctx context.Context, name string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		ran[name[:1]] = append(ran[name[:1]], name)
		info, _ := goflow.TaskFromContext(ctx)
		if strings.HasSuffix(name, "0") || strings.HasSuffix(name, "4") && info.Attempt == 1 {
			return "", goflow.RetryAfter(time.Second, errors.New("not yet"))
		}
		return name, nil
	})
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for range 2 {
		worker, err := goflow.NewWorker(p.broker(p.queue), p.store(), mux, goflow.DeadLetters(p.broker(p.dead)))
		require.NoError(t, err)
		working.Go(func() {
			if err := worker.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	client, err := goflow.NewClient(p.broker(p.queue), p.store())
	require.NoError(t, err)
	var ids []string
	for n := range 8 {
		for _, group := range []string{"a", "b", "c"} {
			id, err := step.Push(t.Context(), client, fmt.Sprint(group, n), goflow.Group(group))
			require.NoError(t, err)
			ids = append(ids, id)
		}
	}
	waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dead := 0
	for rec, err := range client.WaitAll(waiting, ids) {
		require.NoError(t, err)
		if rec.State == task.Dead {
			dead++
		}
	}
	stop()
	working.Wait()
	require.Equal(t, 3, dead, "the first of each group")
	for group, steps := range ran {
		require.True(t, slices.IsSorted(steps), "group %s ran as %v", group, steps)
		require.Len(t, steps, 10, "two of each group ran twice")
	}
	into := make([]port.Delivery, port.MaxMessages)
	n, err := p.broker(p.dead).Receive(t.Context(), into)
	require.NoError(t, err)
	require.NotZero(t, n)
	require.Contains(t, []string{"a", "b", "c"}, into[0].Group)
}
