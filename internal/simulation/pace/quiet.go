package pace

import (
	"sync"
	"testing"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/figures"
)

// times are when something became of each task.
type times struct{ pushing, pushed, began, ended, got []time.Duration }

func newTimes(n int) times {
	all := make([]time.Duration, 5*n)
	return times{all[:n], all[n : 2*n], all[2*n : 3*n], all[3*n : 4*n], all[4*n:]}
}

// follow takes the ith task from push to result.
func (at times) follow(w *world, c *goflow.Client, i int) {
	at.pushing[i] = w.now()
	id, err := job().Push(w.ctx, c, i)
	at.pushed[i] = w.now()
	if err == nil {
		_, err = job().Wait(w.ctx, c, id)
	}
	at.got[i] = w.now()
	if err != nil {
		panic(err) // nothing fails here
	}
}

// between are the durations from one moment to another.
func between(from, to []time.Duration) []time.Duration {
	all := make([]time.Duration, len(from))
	for i := range from {
		all[i] = to[i] - from[i]
	}
	return all
}

// under is what latencies are under a load of so many tasks, one every so often.
func under(t *testing.T, scenario string, n int, every time.Duration) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		at := newTimes(n)
		producer, worker := w.program("producer"), w.program("worker")
		client := producer.client()
		stop := worker.work(quick(w, at.began, at.ended), poolSlots)
		time.Sleep(time.Second) // the worker polls
		r := w.cloud.Stream("load")
		var all sync.WaitGroup
		for i := range n {
			pause := every/2 + time.Duration(r.Int64N(int64(every)))
			time.Sleep(pause)
			if i == 1 {
				time.Sleep(time.Second) // by the first push the client learns the limits of its queue
			}
			all.Go(func() { at.follow(w, client, i) })
		}
		all.Wait()
		worker.settled(n)
		made := perTask(n, producer, worker)
		stop()
		percentiles(&l, scenario, "push", between(at.pushing, at.pushed))
		percentiles(&l, scenario, "push to start", between(at.pushing, at.began))
		percentiles(&l, scenario, "push to result", between(at.pushing, at.got))
		l.Add(scenario, "calls per task", made)
		fills(&l, scenario, producer, worker)
	})
	return l
}

// oneAtATime is what each step adds to the call that it needs, at the most, where
// there is one task at a time.
func oneAtATime(t *testing.T, n int) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		at := newTimes(n)
		producer, worker := w.program("producer"), w.program("worker")
		client := producer.client()
		stop := worker.work(quick(w, at.began, at.ended), poolSlots)
		time.Sleep(time.Second) // the worker polls
		for i := range n {
			at.follow(w, client, i)
			worker.settled(i + 1)
			time.Sleep(time.Second)
		}
		made := map[op]int{}
		for _, o := range []op{send, receive, write, remove, read, extend} {
			made[o] = len(producer.calls.of(o)) + len(worker.calls.of(o))
		}
		stop()
		l = added(at, producer, worker)
		percentiles(&l, oneByOne, "push to result", between(at.pushing, at.got))
		for _, o := range []op{send, receive, write, remove, read, extend} {
			l.Add(oneByOne, "calls of "+string(o), float64(made[o])/float64(n))
		}
	})
	return l
}

// full are the calls that brought something.
func full(all []call) (some []call) {
	for _, c := range all {
		if c.items > 0 {
			some = append(some, c)
		}
	}
	return some
}

// added is what is between the calls of each task, of which there is one of a kind.
func added(at times, producer, worker *program) (l figures.List) {
	sends, receives := producer.calls.of(send), full(worker.calls.of(receive))
	writes, deletes := worker.calls.of(write), worker.calls.of(remove)
	var push, start, store, remove time.Duration
	for i := 1; i < len(at.pushing); i++ { // the first push asks for the limits of its queue
		push = max(push, at.pushed[i]-at.pushing[i]-(sends[i].ended-sends[i].began))
		start = max(start, at.began[i]-receives[i].ended)
		store = max(store, writes[i].began-at.ended[i])
		remove = max(remove, deletes[i].began-writes[i].ended)
	}
	l.Add(oneByOne, "added to push, ms", ms(push))
	l.Add(oneByOne, "added to start, ms", ms(start))
	l.Add(oneByOne, "added to store, ms", ms(store))
	l.Add(oneByOne, "delete after store, ms", ms(remove))
	return l
}

// idleFor is what a worker asks for in an hour in which nothing comes.
func idleFor(t *testing.T) (l figures.List) {
	t.Helper()
	inWorld(t, func(w *world) {
		p := w.program("worker")
		stop := p.work(quick(w, nil, nil), poolSlots)
		time.Sleep(time.Second)
		before := len(p.calls.made())
		time.Sleep(time.Hour)
		all := p.calls.made()[before:]
		stop()
		receives, most := 0, 0
		for _, c := range all {
			if c.op == receive {
				receives, most = receives+1, max(most, beside(all, c))
			}
		}
		l.Add(idle, "receives", float64(receives))
		l.Add(idle, "receives at a time", float64(most))
		l.Add(idle, "empty receives", float64(receives-len(full(all))))
		l.Add(idle, "other calls", float64(len(all)-receives))
	})
	return l
}

// beside is how many receives there were when one began, that one among them.
func beside(all []call, one call) (n int) {
	for _, c := range all {
		if c.op == receive && c.began <= one.began && one.began < c.ended {
			n++
		}
	}
	return n
}
