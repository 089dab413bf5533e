package goflow_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func TestClaimedRecordLivesAsLongAsItsRun(t *testing.T) {
	t.Parallel()
	for name, ttl := range map[string]time.Duration{"OverALease": 2 * testLease, "UnderALease": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				runs := 0
				job := goflow.NewJob[int, int]("t", goflow.Once())
				job.Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
					runs++
					select {
					case <-time.After(3 * time.Hour):
						return 7, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				})
				stop := w.start(goflow.RecordTTL(ttl), goflow.Timeout(4*time.Hour))
				id, err := job.Push(w.Context(), w.client, 1)
				require.NoError(w, err)
				require.Equal(w, task.Done, w.wait(id).State)
				require.NoError(w, stop())
				require.Equal(w, 1, runs)
			})
		})
	}
}

// Where nobody renews a claim, it is as long as the run may be; and the mark of a
// start writes the record once more.
func TestClaimedRecordLivesAsLongAsItsClaim(t *testing.T) {
	t.Parallel()
	for name, receives := range map[string]int{"First": 1, "AfterACrash": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				id, others := goflow.IDFrom("a"), error(nil)
				job := goflow.NewJob[int, int]("t", goflow.Once())
				job.Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
					time.Sleep(time.Minute)
					_, others = w.records.Claim(ctx, []port.Claim{{ID: id, Generation: 1, Token: "other", For: testLease}})
					return 7, nil
				})
				body, err := json.Marshal(map[string]any{"v": 1, "id": id, "type": "t", "payload": 1})
				require.NoError(w, err)
				p := w.newProcessor(goflow.RecordTTL(time.Second))
				outcome := p.Process(w.Context(), goflow.Delivery{Message: port.Message{Body: body}, Receives: receives})
				require.Equal(w, goflow.Ack, outcome.Action, outcome.Err)
				require.ErrorIs(w, others, port.ErrClaimed)
			})
		})
	}
}

// The longest times that the options take are in the future still.
func TestLongestTimes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const longest = 36_525 * 24 * time.Hour
		client, err := goflow.NewClient(w.queue, w.records, goflow.RecordTTL(longest))
		require.NoError(w, err)
		w.client = client
		id := w.push("t", 1, goflow.Track(), goflow.Delay(7*24*time.Hour))
		rec, err := client.Get(w.Context(), id)
		require.NoError(w, err)
		require.Equal(w, task.Open, rec.State)
		stop := w.start(goflow.RecordTTL(longest), goflow.UnknownTypeGrace(longest))
		defer func() { require.NoError(w, stop()) }()
		time.Sleep(8 * 24 * time.Hour)
		_, err = client.Get(w.Context(), w.push("t", 1))
		require.NoError(w, err, "it was pushed just now")
	})
}
