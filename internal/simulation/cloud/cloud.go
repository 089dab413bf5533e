// Package cloud simulates SQS and DynamoDB for processes that share one bubble of
// testing/synctest: what AWS documents of them, and worse. It implements the
// interfaces that the adapters call, so all of an adapter's logic runs over it.
//
// A seed decides everything. What happens to a call is drawn from a stream of its
// own, which the seed, the process, the operation, the items and the count of
// such calls name: no order in which goroutines happen to run can change it. Each
// call takes effect at an instant of its own.
package cloud

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Cloud is what the processes of a simulation share.
type Cloud struct {
	Log     *history.Log
	Weather *Weather
	// Wire: processes call by the SDK's real clients, see [Process.SDK]. Then what a
	// network does, and what is repeated, is not this package's.
	Wire bool
	// Skew is how far the clock of SQS is ahead; over the wire, where it can be
	// learned, that of DynamoDB, too.
	Skew time.Duration
	// Latency, where it is set, takes the place of the weather's, and queues hand out
	// what is there in the order in which it came.
	Latency *Latency

	seed uint64
	over chan struct{} // closed when the simulation ends

	mu      sync.Mutex
	counts  map[uint64]uint64 // of calls, by what they are
	queues  map[string]*queue // by URL
	rows    table
	pending sync.WaitGroup // requests on their way
}

// New returns a cloud without queues, with an empty table.
func New(seed uint64, log *history.Log, w *Weather) *Cloud {
	return &Cloud{
		Log: log, Weather: w, seed: seed, over: make(chan struct{}),
		counts: map[uint64]uint64{}, queues: map[string]*queue{}, rows: table{},
	}
}

// End lets go of the processes that were killed, and refuses all calls from now on.
func (c *Cloud) End() { close(c.over) }

// Wait waits for requests that nobody waits for any more.
func (c *Cloud) Wait() { c.pending.Wait() }

// Stream is the source of chance of the nth thing of that name.
func (c *Cloud) Stream(names ...string) *rand.Rand {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name)) // never fails
		_, _ = h.Write([]byte{0})
	}
	key := h.Sum64()
	c.mu.Lock()
	nth := c.counts[key]
	c.counts[key]++
	c.mu.Unlock()
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, nth))
	return rand.New(rand.NewPCG(c.seed, h.Sum64())) //nolint:gosec // a seed has to repeat it
}

// stream is that of a call, whatever order its items are in.
func (c *Cloud) stream(p *Process, op string, items []string) *rand.Rand {
	if c.Latency != nil {
		items = alike(op, items)
	}
	return c.Stream(append([]string{p.Name, op}, slices.Sorted(slices.Values(items))...)...)
}

// sorted are the places of a call's items, so that what is drawn for each does not
// depend on the order that they are in.
func sorted(items []string) []int {
	places := make([]int, len(items))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(items[a], items[b]) })
	return places
}

// between draws a duration to the nanosecond, so that no two are alike.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// chance is true once in a while.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
