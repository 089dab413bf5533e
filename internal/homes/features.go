package homes

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
)

// Features says where homes differ. The zero value of a field is the weaker
// promise: then the suite asks for less, or leaves the scenario out.
type Features struct {
	// KeepsLeases: a keeper makes a lease last as long as its task, and ends the
	// task's context when it cannot. A function has none, nor needs it: the queue's
	// visibility timeout is six times as long as its longest run.
	KeepsLeases bool
	// SeesCancelWithin is how long a running task goes on after its cancel: half a
	// lease, of which a function cannot know how long it is.
	SeesCancelWithin time.Duration
	// Stops: whoever runs it can stop it, and start it again on the same queue.
	// When a function stops is Lambda's affair.
	Stops bool
	// Drains: what runs when it is stopped gets the drain time, and is named when
	// that does not suffice. A function has no such time.
	Drains bool
	// GroupsSideBySide: a task that runs holds up no other group. LocalStack's
	// mapping calls a function for one group of a receive after the other.
	GroupsSideBySide bool
	// SeveralQueues: it receives from more than one. A function has one.
	SeveralQueues bool
	// FakeTime: time is free, so long delays are waited for in full.
	FakeTime bool
	// Slack is how much later than asked things may happen.
	Slack time.Duration
}

// Rows returns every feature in order, for the table of ARCHITECTURE.md.
func (f Features) Rows() []goflowtest.Row { return goflowtest.Rows(f) }

// Lease is that of homes with a keeper, unless a scenario needs another.
const Lease = 2 * time.Second

// LeaseOnServers is theirs where the machine may stand still for a second or two,
// which must not be long enough to lose a lease.
const LeaseOnServers = 5 * time.Second

// lease is that of a home with these features.
func (f Features) lease() time.Duration { return 2 * f.SeesCancelWithin }

// PoolInMemory are the features of a worker over memory.
func PoolInMemory() Features {
	return Features{
		KeepsLeases: true, SeesCancelWithin: Lease / 2, Stops: true, Drains: true, GroupsSideBySide: true,
		SeveralQueues: true, FakeTime: true,
	}
}

// BatchesInMemory are those of a function without Lambda around it.
func BatchesInMemory() Features {
	return Features{SeesCancelWithin: goflow.DefaultLease / 2, Stops: true, GroupsSideBySide: true, FakeTime: true}
}

// PoolOnServers are the features of a worker over servers of any kind.
func PoolOnServers() Features {
	f := PoolInMemory()
	f.SeesCancelWithin, f.FakeTime, f.Slack = LeaseOnServers/2, false, 3*time.Second
	return f
}

// Function are the features of a function on LocalStack.
func Function() Features {
	return Features{SeesCancelWithin: goflow.DefaultLease / 2, Slack: 3 * time.Second}
}
