package pace

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/simulation"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// seed is that of all runs: another one would be as good.
const seed = 1

const (
	deadURL   = "https://sqs.simulated/000000000000/dead"
	queueURL  = "https://sqs.simulated/000000000000/tasks"
	tableName = "tasks"
)

// latency is that of AWS, as package pace documents.
func latency() *cloud.Latency {
	return &cloud.Latency{Queues: 10 * time.Millisecond, Table: 5 * time.Millisecond}
}

// world is a cloud and the programs that use it.
type world struct {
	ctx   context.Context //nolint:containedctx // of all that runs until the end
	cloud *cloud.Cloud
	start time.Time
	all   sync.WaitGroup
}

// inWorld calls do in a bubble with a cloud, and ends all that runs in it. It has one
// processor: where two act at one instant all the same, one comes first in every run.
func inWorld(t *testing.T, do func(w *world)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer simulation.SeedRandom(seed)()
	synctest.Test(t, func(*testing.T) {
		ctx, end := context.WithCancel(context.Background())
		calm := cloud.NewWeather(rand.New(rand.NewPCG(seed, 2)), 0, cloud.Faults()) //nolint:gosec // a seed has to repeat it
		w := &world{ctx: ctx, cloud: cloud.New(seed, history.NewLog(), calm), start: time.Now()}
		w.cloud.Latency = latency()
		w.cloud.AddQueue(queueURL, 1000, port.MaxMessages, deadURL)
		do(w)
		end()
		w.cloud.End()
		w.all.Wait()
		w.cloud.Wait()
	})
}

// program is a process with a worker or a client.
type program struct {
	*world

	calls       *calls
	queue, dead *sqs.Broker
	store       *dynamo.Store
}

func (w *world) program(name string) *program {
	p, c := w.cloud.Start(name, false), &calls{start: w.start, items: map[op]int{}}
	queues := watchedQueues{p.Queues(), c}
	return &program{
		world: w, calls: c,
		queue: sqs.New(queues, queueURL), dead: sqs.New(queues, deadURL), store: dynamo.New(watchedTable{p.Table(), c}, tableName),
	}
}

// client returns one that is closed when the world ends.
func (p *program) client() *goflow.Client {
	c, err := goflow.NewClient(p.queue, p.store)
	if err != nil {
		panic(err) // the options are ours
	}
	p.all.Go(func() { <-p.ctx.Done(); _ = c.Close() }) // it returns nil
	return c
}

// work runs a worker until the function that it returns is called.
func (p *program) work(m *goflow.Mux, slots int) (stop func()) {
	w, err := goflow.NewWorker(p.queue, p.store, m, goflow.DeadLetters(p.dead), goflow.Concurrency(slots))
	if err != nil {
		panic(err) // the options are ours
	}
	ctx, cancel := context.WithCancel(p.ctx)
	ended := make(chan struct{})
	p.all.Go(func() {
		defer close(ended)
		if err := w.Run(ctx); err != nil {
			panic(err) // nothing fails here
		}
	})
	return func() { cancel(); <-ended }
}

// now is how long the world has been there.
func (w *world) now() time.Duration { return time.Since(w.start) }

// moment lets the nth of those who do the same at about one instant go on at one of
// its own: in what order they would, is chance that no seed repeats. Multiples of the
// golden ratio are far from each other. It is an even number of nanoseconds, as the
// core's own steps between goroutines are.
func moment(n int, longest time.Duration) {
	const golden = 0x9e3779b1          // of 32 bits
	share := int64(uint32(n) * golden) //nolint:gosec // what is beyond 32 bits does not count
	time.Sleep(time.Duration(share*int64(longest/2)>>32) * 2)
}
