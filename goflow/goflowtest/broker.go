package goflowtest

import (
	"testing"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// What a subtest gets when it asks for nothing else: short enough for the real
// clock, whole seconds because brokers may know no others.
const (
	defaultLease    = 2 * time.Second
	defaultPollWait = time.Second
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
	test func(*brokerTest)
}

func brokerCases(f BrokerFeatures) []brokerCase {
	_ = f
	return nil
}

// brokerTest is one subtest and what it knows of the broker.
type brokerTest struct {
	*testing.T

	features BrokerFeatures
	open     OpenBroker
}
