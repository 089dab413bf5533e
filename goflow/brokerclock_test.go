package goflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// skewedBroker has a clock that is ahead of ours.
type skewedBroker struct {
	goflow.Broker

	ahead time.Duration
}

func (b *skewedBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	n, err := b.Broker.Receive(ctx, into)
	for i := range into[:n] {
		into[i].SentAt = into[i].SentAt.Add(b.ahead)
		into[i].FirstReceivedAt = into[i].FirstReceivedAt.Add(b.ahead)
	}
	return n, err
}

// TestClockOfTheWorkerDoesNotCount: it is minutes fast, or slow.
func TestClockOfTheWorkerDoesNotCount(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		inWorld(t, func(w *world) {
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			w.broker = &skewedBroker{Broker: w.queue, ahead: ahead}
			stop := w.start(goflow.UnknownTypeGrace(time.Minute))
			good := w.push("echo", "x", goflow.ExpiresIn(time.Minute))
			late := w.push("echo", "x", goflow.ExpiresIn(time.Minute), goflow.Delay(2*time.Minute))
			nobodys := w.push("nobodys", "x")
			time.Sleep(time.Second)
			require.NotEqual(w, task.Dead, w.state(nobodys), "its grace has just begun")
			require.Equal(w, task.Done, w.wait(good).State)
			require.Equal(w, task.Expired, w.wait(late).State)
			require.NoError(w, stop())
		})
	}
}
