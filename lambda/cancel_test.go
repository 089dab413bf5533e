package lambda_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// TestCancel: a function has no keeper, and its handlers learn of it all the same.
func TestCancel(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]goflow.JobOption{"Cancellable": goflow.Cancellable(), "Once": goflow.Once()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLambda(t, func(m *mapping) {
				causes := make(chan error, 10)
				goflow.NewJob[int, int]("long", option).Handle(m.mux, func(ctx context.Context, n int) (int, error) {
					<-ctx.Done()
					causes <- context.Cause(ctx)
					return n, ctx.Err()
				})
				var ids []string
				for n := range 10 {
					ids = append(ids, m.push("long", n))
				}
				event := m.event(10)
				go func() {
					time.Sleep(20 * time.Second)
					for _, id := range ids {
						require.NoError(m, m.client.Cancel(m.Context(), id))
					}
				}()
				begin := time.Now()
				require.Empty(m, m.invoke(m.handler(), event), "Lambda deletes them all")
				require.LessOrEqual(m, time.Since(begin), 31*time.Second)
				for _, id := range ids {
					require.ErrorIs(m, <-causes, goflow.ErrCancelled)
					rec := m.get(id)
					require.Equal(m, []any{task.Cancelled, ""}, []any{rec.State, rec.Error})
				}
				looks := 0
				for _, call := range m.store.calls {
					if call == "fresh load 10" {
						looks++
					}
				}
				require.LessOrEqual(m, looks, 3, "they are looked at together: %v", m.store.calls)
				require.GreaterOrEqual(m, looks, 2)
				require.Empty(m, m.deadLetters())
			})
		})
	}
}
