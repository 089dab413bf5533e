package goflow_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// refusals counts the extensions that a strict broker refuses.
type refusals struct {
	*faultyBroker
	n atomic.Int64
}

func (b *refusals) Extend(ctx context.Context, leases []port.Lease) error {
	err := b.faultyBroker.Extend(ctx, leases)
	if errors.Is(err, port.ErrInvalid) {
		b.n.Add(1)
	}
	return err
}

func TestLeases(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"NoneIsAskedToLastBeyondTwelveHours": func(w *world) {
			broker := &refusals{faultyBroker: &faultyBroker{Broker: w.queue}}
			w.broker = broker
			begin := time.Now()
			var ended time.Duration
			goflow.NewJob[int, int]("deaf", goflow.Once(), goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				if ended == 0 {
					time.Sleep(13 * time.Hour) // its context ends after one; the claim is kept until it returns
					ended = time.Since(begin)
				}
				return 1, nil
			})
			id := w.push("deaf", 1)
			stop := w.start()
			rec := w.wait(id)
			require.NoError(w, stop())
			require.Equal(w, task.Done, rec.State)
			require.InDelta(w, 13, ended.Hours(), 0.1)
			require.Zero(w, broker.n.Load(), "a refused extension would have been repeated until the lease ended")
			const held, givenBack = 12 * time.Hour, time.Hour // each half a lease; then a copy of it runs here
			require.InDelta(w, int((held+givenBack)/(testLease/2)), broker.count("extend"), 5)
		},
		"StuckHandlerIsReportedAndItsSlotFreed": func(w *world) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf", goflow.Timeout(time.Second), goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				<-release
				return 0, nil
			})
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			var log bytes.Buffer
			worker := w.newWorker(goflow.Concurrency(2), goflow.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			ctx, stop := context.WithCancel(w.Context())
			ended := make(chan error)
			go func() { ended <- worker.Run(ctx) }()
			deaf := w.push("deaf", 1)
			require.Equal(w, task.Dead, w.wait(deaf).State)
			require.Equal(w, 1, worker.Stuck())
			for range 4 {
				require.Equal(w, task.Done, w.wait(w.push("echo", "x")).State, "the worker goes on")
			}
			close(release)
			stop()
			require.NoError(w, <-ended)
			require.Zero(w, worker.Stuck())
			require.Contains(w, log.String(), "handler is stuck")
			require.Contains(w, log.String(), deaf)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}
