package simulation

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Where things are in the simulated cloud.
const (
	deadURL   = "https://sqs.simulated/000000000000/dead"
	queueURL  = "https://sqs.simulated/000000000000/tasks"
	tableName = "tasks"
	fifo      = ".fifo"
)

// world is one simulation that runs.
type world struct {
	Config

	ctx     context.Context //nolint:containedctx // of all that runs until the end
	cloud   *cloud.Cloud
	log     *history.Log
	errands []*errand
	weather *cloud.Weather
	actors  sync.WaitGroup
	pushing atomic.Int64 // clients that have not pushed all of their errands

	mu      sync.Mutex
	snoozes map[string]int // of each task, by its ID
}

func newWorld(ctx context.Context, c Config) *world {
	w := &world{Config: c, ctx: ctx, log: history.NewLog(), snoozes: map[string]int{}}
	without := c.WithoutFaults
	if c.Calm {
		without = cloud.Faults()
	}
	w.weather = cloud.NewWeather(rand.New(rand.NewPCG(c.Seed, 2)), c.Storm, without) //nolint:gosec // a seed has to repeat it
	w.cloud = cloud.New(c.Seed, w.log, w.weather)
	w.cloud.Wire, w.cloud.Skew = c.Wire, c.Skew
	w.cloud.AddQueue(w.queueURL(), c.MaxReceives, c.Batch, w.deadURL())
	for n := range c.Errands {
		e := newErrand(rand.New(rand.NewPCG(c.Seed, uint64(1000+n))), n, &w.Config) //nolint:gosec // a seed has to repeat it
		if !c.WithoutErrands[n] {
			w.errands = append(w.errands, e)
		}
	}
	return w
}

func (w *world) queueURL() string { return queueURL + w.suffix() }
func (w *world) deadURL() string  { return deadURL + w.suffix() }

func (w *world) suffix() string {
	if w.Ordered {
		return fifo
	}
	return ""
}

// parts are the brokers and the store of a process.
type parts struct {
	queue, dead port.Broker
	store       port.Store
}

func (w *world) parts(p *cloud.Process) parts {
	queues, table := w.apis(p)
	return parts{
		queue: sqs.New(queues, w.queueURL(), sqs.Lease(w.Lease), sqs.PollWait(w.PollWait)),
		dead:  sqs.New(queues, w.deadURL(), sqs.Lease(w.Lease), sqs.PollWait(time.Second)),
		store: dynamo.New(table, tableName),
	}
}

// apis are what a process calls the cloud by.
func (w *world) apis(p *cloud.Process) (sqs.API, dynamo.API) {
	if w.Wire {
		return p.SDK()
	}
	return p.Queues(), p.Table()
}

// run lets an actor act until it is done.
func (w *world) run(act func()) { w.actors.Go(act) }

// pause waits for about d, and tells whether ctx lasted. Each actor has a stream of
// its own, so no two wake at one instant.
func pause(ctx context.Context, r *rand.Rand, d time.Duration) bool {
	return cloud.Sleep(ctx, d+time.Duration(r.Int64N(int64(time.Millisecond))))
}

func encode(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // Args always encode
	return raw
}
