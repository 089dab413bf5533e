package goflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// partialBroker fails what its fails says, item by item.
type partialBroker struct {
	faultyBroker
	fails func(msg port.Message) error
}

func (b *partialBroker) Send(ctx context.Context, msgs []port.Message) error {
	b.add("send")
	failed := port.ItemErrors{}
	for i, msg := range msgs {
		if err := b.fails(msg); err != nil {
			failed[i] = err
		} else if err := b.Broker.Send(ctx, []port.Message{msg}); err != nil {
			failed[i] = err
		}
	}
	return failed.Err()
}

func TestClient(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){
		"PushNamesWhatIsWrong": func(w *world) {
			huge := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
			_, err := w.client.Push(w.Context(), "echo", huge)
			require.ErrorIs(w, err, goflow.ErrTooLarge)
			require.ErrorContains(w, err, "this queue takes 1040384", "the maximum less 8 KiB")
			_, err = w.client.Push(w.Context(), "echo", json.RawMessage(`{`))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			_, err = w.client.Push(w.Context(), "echo", json.RawMessage("\"\xff\""))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			_, err = w.client.Push(w.Context(), "two words", json.RawMessage(`1`))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			_, err = w.client.Push(w.Context(), "echo", json.RawMessage(`1`), goflow.Delay(7*24*time.Hour+1))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			require.ErrorContains(w, err, "give 0 to 168h0m0s")
			_, err = w.client.Push(w.Context(), "echo", json.RawMessage(`1`), goflow.MaxAttempts(0))
			require.ErrorIs(w, err, goflow.ErrInvalid)
			w.requireEmpty(w.queue)
		},
		"PushReturnsTheIDWithTheError": func(w *world) {
			broker := &partialBroker{fails: func(port.Message) error { return port.ErrAmbiguous }}
			broker.Broker = w.queue
			client, err := goflow.NewClient(broker, w.records)
			require.NoError(w, err)
			id, err := client.Push(w.Context(), "echo", json.RawMessage(`1`))
			require.ErrorIs(w, err, goflow.ErrAmbiguous)
			require.Len(w, id, 36)
			require.Equal(w, 1, broker.count("send"), "what may have been sent is not sent again")
		},
		"PushManyNamesTheFailedAndSendsTheOthers": func(w *world) {
			throttled := 1
			broker := &partialBroker{fails: func(msg port.Message) error {
				switch {
				case bytes.Contains(msg.Body, []byte(`"payload":7,`)), bytes.Contains(msg.Body, []byte(`"payload":7}`)):
					return port.ErrAmbiguous
				case bytes.Contains(msg.Body, []byte(`"payload":12}`)) && throttled > 0:
					throttled--
					return port.ErrUnavailable
				}
				return nil
			}}
			broker.Broker = w.queue
			client, err := goflow.NewClient(broker, w.records)
			require.NoError(w, err)
			tasks := make([]task.Task, 25)
			for i := range tasks {
				tasks[i] = task.Task{Type: "echo", Payload: i}
			}
			tasks[3].Type = "two words"
			ids, err := client.PushMany(w.Context(), tasks)
			require.Len(w, ids, 25)
			for i := range tasks {
				switch itemErr := port.ItemError(err, i); i {
				case 3:
					require.ErrorIs(w, itemErr, goflow.ErrInvalid)
				case 7:
					require.ErrorIs(w, itemErr, goflow.ErrAmbiguous)
				default:
					require.NoError(w, itemErr, "task %d", i)
				}
			}
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, 23, size.Waiting)
			require.Equal(w, 4, broker.count("send"), "three tens, and the throttled one again")
		},
		"ClosedClientRefusesPushesAndReadsOn": func(w *world) {
			id := w.push("echo", 1)
			require.NoError(w, w.client.Close())
			_, err := w.client.Push(w.Context(), "echo", json.RawMessage(`1`))
			require.ErrorIs(w, err, goflow.ErrClosed)
			_, err = w.client.Get(w.Context(), id)
			require.NoError(w, err)
		},
		"WaitEndsWithItsContext": func(w *world) {
			id := w.push("nobody", 1)
			ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
			defer cancel()
			_, err := w.client.Wait(ctx, id)
			require.ErrorIs(w, err, goflow.ErrNotFinished)
			require.ErrorIs(w, err, context.DeadlineExceeded)
		},
		"WaitForAnIDOlderThanItsRecordEnds": func(w *world) {
			id := w.push("nobody", 1)
			time.Sleep(goflow.DefaultRecordTTL + 2*time.Hour)
			_, err := w.client.Wait(w.Context(), id)
			require.ErrorIs(w, err, goflow.ErrNotFound)
			_, err = w.client.Get(w.Context(), "017f22e2-79b0-4cc3-98c4-dc0c0c07398f") // no v7: it knows no time
			require.NoError(w, err)
			_, err = w.client.Get(w.Context(), "no UUID")
			require.ErrorIs(w, err, goflow.ErrInvalid)
		},
		"WaitAllYieldsEachAndTheUnfinished": func(w *world) {
			store := &faultyStore{Store: w.records}
			client, err := goflow.NewClient(w.queue, store)
			require.NoError(w, err)
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			var ids []string
			for range 150 {
				ids = append(ids, w.push("echo", "x"))
			}
			ids = append(ids, w.push("echo", "late", goflow.Delay(10*time.Minute)))
			stop := w.start()
			ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
			defer cancel()
			finished := 0
			for rec, err := range client.WaitAll(ctx, ids) {
				if err != nil {
					require.ErrorIs(w, err, goflow.ErrNotFinished)
					require.Equal(w, ids[150], rec.ID)
					continue
				}
				finished++
			}
			require.Equal(w, 150, finished)
			require.Less(w, store.count("load"), 60, "it asks less and less often")
			require.NoError(w, stop())
		},
	}
	for name, subtest := range subtests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

func TestQueueThatIsTooSmallForAnyTaskSaysSo(t *testing.T) {
	t.Parallel()
	client, err := goflow.NewClient(memory.NewBroker(memory.MaxMessageBytes(4096)), memory.NewStore())
	require.NoError(t, err)
	_, err = client.Push(t.Context(), "t", []byte("1"))
	require.ErrorIs(t, err, goflow.ErrTooLarge)
	require.ErrorContains(t, err, "this queue takes 4096, of which 8192 have to stay free: raise its maximum")
}

func TestRegisterHandlerOfDistributedModeIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	gf := goflow.New(memory.NewBroker(), memory.NewStore(), goflow.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	gf.RegisterHandler("a", repeater)
	gf.RegisterHandler("b", repeater)
	require.Equal(t, 1, strings.Count(log.String(), "register handlers with the worker"))
}
