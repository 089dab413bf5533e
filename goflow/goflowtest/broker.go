package goflowtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// What a subtest gets when it asks for nothing else: short enough for the real
// clock, whole seconds because brokers may know no others.
const (
	defaultLease    = 2 * time.Second
	defaultPollWait = time.Second
	longLease       = 30 * time.Second // never waited for
)

// BrokerOptions is what a subtest needs of the broker that it opens. A field
// whose feature is off may be ignored.
type BrokerOptions struct {
	// Lease of a received message; never 0. Ignored unless LeasesEnd.
	Lease time.Duration
	// PollWait is how long Receive waits for a message; never 0. Ignored unless
	// PollWaits.
	PollWait time.Duration
	// MaxReceives is 0, or after how many receives a message goes to DeadLetter,
	// which open returned before. Set only if EnforcesMaxReceives.
	MaxReceives int
	DeadLetter  port.Broker
	// Retention is 0 for the broker's default. Set only if EnforcesRetention.
	Retention time.Duration
	// Ordered asks for a broker that keeps order. Set only if the feature is there.
	Ordered bool
	// Capacity is 0 for the broker's default. Set only if Blocks.
	Capacity int
}

// OpenBroker opens an empty broker that nobody else uses, and ends it with
// t.Cleanup.
type OpenBroker func(t *testing.T, opts BrokerOptions) port.Broker

// TestBroker runs the suite. Each subtest opens its own broker within run.
// Subtests are parallel, so they still run when TestBroker has returned: what
// they share is cleaned up by t.Cleanup, never by defer.
func TestBroker(t *testing.T, run Runner, features BrokerFeatures, open OpenBroker) {
	t.Helper()
	for _, c := range brokerCases(features) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run(t, func(t *testing.T) { c.test(&brokerTest{T: t, features: features, open: open}) })
		})
	}
}

// brokerCase is a subtest; its name is what must hold.
type brokerCase struct {
	name string
	on   bool
	test func(*brokerTest)
}

// brokerCases returns the subtests whose features are there.
func brokerCases(f BrokerFeatures) []brokerCase {
	var on []brokerCase
	for _, group := range [][]brokerCase{sendCases(f), bodyCases(f), receiveCases(f), leaseCases(f), moveCases(f), orderCases(f)} {
		for _, c := range group {
			if c.on {
				on = append(on, c)
			}
		}
	}
	return on
}

// brokerTest is one subtest and what it knows of the broker.
type brokerTest struct {
	*testing.T

	features BrokerFeatures
	open     OpenBroker
}

// broker opens one, with the suite's lease and poll wait unless opts say more.
func (t *brokerTest) broker(opts BrokerOptions) port.Broker {
	t.Helper()
	if opts.Lease == 0 {
		opts.Lease = defaultLease
	}
	if opts.PollWait == 0 {
		opts.PollWait = defaultPollWait
	}
	return t.open(t.T, opts)
}

// slack is how long a subtest goes on waiting for what should be there.
func (t *brokerTest) slack() time.Duration { return t.features.Slack + 2*defaultPollWait }

// send sends messages of which none may fail.
func (t *brokerTest) send(b port.Broker, msgs ...port.Message) {
	t.Helper()
	require.NoError(t, b.Send(t.Context(), msgs), "Send of %d messages", len(msgs))
}

// sendOne sends a message with this body.
func (t *brokerTest) sendOne(b port.Broker, body string) {
	t.Helper()
	t.send(b, message(body))
}

// poll receives until it has want messages or within is over, and returns what
// it has. Receive may fail because the time is over, and be unavailable now and
// then, as it is to a worker, which asks again.
func (t *brokerTest) poll(b port.Broker, want int, within time.Duration) []port.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var got []port.Delivery
	for len(got) < want && ctx.Err() == nil {
		into := make([]port.Delivery, min(want-len(got), port.MaxMessages))
		n, err := b.Receive(ctx, into)
		require.LessOrEqual(t, n, len(into), "Receive returned more than it was given room for")
		got = append(got, into[:n]...)
		if err != nil && !errors.Is(err, port.ErrUnavailable) {
			require.ErrorIs(t, err, ctx.Err(), "Receive may fail with the context's error only")
			require.Error(t, ctx.Err(), "Receive failed before its context had ended")
		}
	}
	return got
}

// all receives exactly want messages.
func (t *brokerTest) all(b port.Broker, want int, within time.Duration) []port.Delivery {
	t.Helper()
	got := t.poll(b, want, within)
	require.Len(t, got, want, "messages received within %v", within)
	return got
}

// now receives one message that should be there.
func (t *brokerTest) now(b port.Broker) port.Delivery {
	t.Helper()
	return t.within(b, 0)
}

// within receives one message that should be there when d is over.
func (t *brokerTest) within(b port.Broker, d time.Duration) port.Delivery {
	t.Helper()
	return t.all(b, 1, d+t.slack())[0]
}

// none asserts that there is no message for as long as a lease lasts, and a
// little longer.
func (t *brokerTest) none(b port.Broker) {
	t.Helper()
	got := t.poll(b, 1, defaultLease+t.features.Slack+defaultPollWait)
	require.Empty(t, got, "there should be no message")
}

// notBefore asserts that it is at least that time now.
func (t *brokerTest) notBefore(at time.Time, what string) {
	t.Helper()
	early := time.Until(at)
	require.LessOrEqual(t, early, time.Duration(0), "%s came %v too early", what, early)
}

// notAfter asserts that it is at most that time now, give or take the slack.
func (t *brokerTest) notAfter(at time.Time, what string) {
	t.Helper()
	late := time.Since(at)
	require.LessOrEqual(t, late, t.slack(), "%s came %v late", what, late)
}

// extend asks for one lease.
func (t *brokerTest) extend(b port.Broker, d port.Delivery, forTime time.Duration) error {
	return port.ItemError(b.Extend(t.Context(), []port.Lease{{Delivery: d, For: forTime}}), 0)
}

// ack ends one delivery, which may not fail.
func (t *brokerTest) ack(b port.Broker, ds ...port.Delivery) {
	t.Helper()
	require.NoError(t, b.Ack(t.Context(), ds), "Ack of %d deliveries", len(ds))
}

// message returns one with a new ID.
func message(body string) port.Message {
	return port.Message{ID: newID(), Body: []byte(body)}
}

// bodies returns the bodies of what was delivered.
func bodies(ds []port.Delivery) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = string(d.Body)
	}
	return out
}
