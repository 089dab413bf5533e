package goflowtest

import (
	"time"

	"github.com/stretchr/testify/require"
)

// delayedByTheBrokersClock is what delays longer than the broker's rest on: a
// worker tells by the broker's own times whether a message that was sent on is
// due, so they must not be cut off to less than the delay.
func delayedByTheBrokersClock(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	for _, delay := range []time.Duration{time.Second, 2*time.Second + time.Millisecond} {
		m := message("sent on")
		m.Delay, m.Attributes = delay, map[string]string{"goflow-due": `{"delay":3600}`}
		t.send(b, m)
		d := t.within(b, delay+t.features.Granularity)
		require.GreaterOrEqual(t, d.FirstReceivedAt.Sub(d.SentAt), delay.Truncate(time.Millisecond))
		require.Equal(t, m.Attributes, d.Attributes)
		t.ack(b, d)
	}
}
