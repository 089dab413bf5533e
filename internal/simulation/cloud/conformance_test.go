package cloud_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// calm is a cloud without faults, and a process there.
func calm(t *testing.T) *cloud.Process {
	t.Helper()
	c := cloud.New(1, history.NewLog(), cloud.Always(0))
	t.Cleanup(func() { c.End(); c.Wait() })
	return c.Start("process", false)
}

// TestStore: the simulated DynamoDB keeps what a store promises, by all statements
// of the adapter.
func TestStore(t *testing.T) {
	t.Parallel()
	features := goflowtest.StoreFeatures{MaxRecordBytes: 400 << 10, RefusesForeignIDs: true, Slack: 3 * time.Second}
	goflowtest.TestStore(t, synctest.Test, features, func(t *testing.T) port.Store {
		t.Helper()
		return struct{ port.Store }{dynamo.New(calm(t).Table(), "tasks")} // without further powers
	})
}

// TestBroker: the simulated SQS keeps what a broker promises.
func TestBroker(t *testing.T) {
	t.Parallel()
	features := goflowtest.BrokerFeatures{
		LeasesEnd: true, EnforcesMaxReceives: true, DeadLettersKeepSentAt: true, PollWaits: true, Ordered: true,
		MaxMessageBytes: 1 << 20, MaxDelay: 15 * time.Minute, Granularity: time.Second, Slack: 3 * time.Second,
	}
	goflowtest.TestBroker(t, synctest.Test, features, func(t *testing.T, o goflowtest.BrokerOptions) port.Broker {
		t.Helper()
		return open(t, o)
	})
}

// broker is one without further powers.
type broker struct {
	port.Broker
	process *cloud.Process
	url     string
}

// open makes a queue, in the cloud of its dead letters if it has any.
func open(t *testing.T, o goflowtest.BrokerOptions) *broker {
	t.Helper()
	b := &broker{url: "https://sqs.test/0/tasks"}
	dead := "https://sqs.test/0/none"
	if letters, ok := o.DeadLetter.(*broker); ok {
		b.process, b.url, dead = letters.process, "https://sqs.test/0/first", letters.url
	} else {
		b.process = calm(t)
	}
	if o.Ordered {
		b.url += ".fifo"
	}
	maxReceives := o.MaxReceives
	if maxReceives == 0 {
		maxReceives = 1000
	}
	b.process.Cloud.AddQueue(b.url, maxReceives, port.MaxMessages, dead)
	b.Broker = sqs.New(b.process.Queues(), b.url, sqs.Lease(o.Lease), sqs.PollWait(o.PollWait))
	return b
}
