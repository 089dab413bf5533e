package simulation

import (
	"math/rand/v2"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
)

// Config is one simulation.
type Config struct {
	Seed uint64
	// Without are errands, by their number, and faults that are left out: so a
	// history that breaks a promise is made shorter.
	WithoutErrands map[int]bool
	WithoutFaults  []cloud.Fault
	// Wire: processes have the SDK's real clients, over package wire. It is slower.
	Wire bool

	// The rest follows from the seed.
	Storm       time.Duration // how long faults come
	Errands     int
	Workers     int
	Slots       int // of each worker
	Batch       int // messages that a receive brings at the most
	Lease       time.Duration
	PollWait    time.Duration
	MaxReceives int
	Ordered     bool          // the queue is a FIFO queue
	Far         bool          // some tasks are delayed beyond what SQS can
	Redrives    bool          // dead letters are sent back now and then
	Calm        bool          // no fault comes at all
	Skew        time.Duration // by which the services' clock is ahead
}

// draw sets what follows from the seed.
func (c *Config) draw() {
	r := rand.New(rand.NewPCG(c.Seed, 1)) //nolint:gosec // a seed has to repeat it
	c.Storm = time.Duration(20+r.IntN(40)) * time.Second
	c.Errands = 24 + r.IntN(25)
	c.Workers = 3 + r.IntN(3)
	c.Slots = []int{1 + r.IntN(4), 1 + r.IntN(32), 64}[r.IntN(3)]
	c.Batch = []int{1 + r.IntN(port.MaxMessages), port.MaxMessages, port.MaxMessages}[r.IntN(3)]
	c.Lease = time.Duration(4+r.IntN(16)) * time.Second
	c.PollWait = time.Duration(1+r.IntN(20)) * time.Second
	c.MaxReceives = 1000
	c.Ordered = r.IntN(6) == 0
	c.Far = r.IntN(12) == 0
	c.Redrives = r.IntN(2) == 0
	c.Calm = r.IntN(32) == 0
	c.Skew = []time.Duration{0, 0, -90 * time.Second, 30 * time.Second}[r.IntN(4)]
	if c.Wire {
		c.Skew = skew(r)
	}
}

// maxSkew is what no service refuses a request for, even one that comes late.
const maxSkew = 4*time.Minute + 20*time.Second

// skew draws one that is none, or hardly to be seen in a Date header, or large.
func skew(r *rand.Rand) time.Duration {
	most := []time.Duration{1, 2 * time.Second, maxSkew, maxSkew}[r.IntN(4)]
	return time.Duration(r.Int64N(2*int64(most))) - most
}

// patience is how long after the storm everything may take to end: the attempts
// of the task that needs most, each after the longest pause that there is.
func (c *Config) patience() time.Duration {
	const suspectPauses = 11 // leases, at most, until a suspect may try again
	attempt := runTimeout + backoffCap + suspectPauses*c.Lease + time.Minute
	patience := 2*maxAttempts*attempt + unknownGrace + max(c.Skew, 0)
	if c.Far {
		patience += 40 * time.Minute
	}
	return patience
}
