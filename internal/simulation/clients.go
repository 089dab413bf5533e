package simulation

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// producer pushes errands, each when its time has come. When its process dies,
// another goes on with the next one.
func (w *world) producer(n int, errands []*errand) {
	defer w.pushing.Add(-1)
	slices.SortStableFunc(errands, func(a, b *errand) int { return int(a.after - b.after) })
	began, next := time.Now(), 0
	for life := 1; next < len(errands) && w.ctx.Err() == nil; life++ {
		p := w.cloud.Start("client-"+strconv.Itoa(n)+"."+strconv.Itoa(life), true)
		c := w.newCaller(p)
		done := make(chan struct{})
		var mu sync.Mutex // of next, which a process that is dying still moves
		w.run(func() {
			defer close(done)
			defer c.close()
			for !p.Dead() {
				mu.Lock()
				if next == len(errands) {
					mu.Unlock()
					return
				}
				e := errands[next]
				next++
				mu.Unlock()
				if !pause(w.ctx, c.r, time.Until(began.Add(e.after))) {
					return
				}
				c.errand(e)
			}
		})
		select {
		case <-done:
		case <-p.Died():
		}
	}
}

// caller is a client in a process.
type caller struct {
	*world
	process *cloud.Process
	client  *goflow.Client
	parts   parts
	r       *rand.Rand
}

func (w *world) newCaller(p *cloud.Process) *caller {
	parts := w.parts(p)
	client, err := goflow.NewClient(parts.queue, parts.store)
	if err != nil {
		panic(err) // the options are ours
	}
	return &caller{world: w, process: p, client: client, parts: parts, r: w.cloud.Stream("caller", p.Name)}
}

func (c *caller) close() { _ = c.client.Close() } // it holds nothing that could fail

// errand pushes one, and begins what is done to its task besides.
func (c *caller) errand(e *errand) {
	if e.raw != "" {
		_ = c.parts.queue.Send(c.ctx, []port.Message{{ID: uuid(c.r), Body: []byte(e.raw), Group: e.facts.Group}}) // the queue knows what came
		return
	}
	opts := e.opts
	for try := 1; ; try++ {
		c.log.Add(history.Event{Actor: c.process.Name, Kind: history.Pushing, Task: e.facts.Named, N: e.args.N})
		id, err := c.push(e, opts)
		if c.process.Dead() {
			return
		}
		if held, ok := errors.AsType[*goflow.NotUniqueError](err); ok {
			c.log.Add(history.Event{Actor: c.process.Name, Kind: history.Held, Task: id, Text: held.OwnerID})
		}
		c.log.Add(history.Event{Actor: c.process.Name, Kind: history.Pushed, Task: id, N: e.args.N, Text: pushed(err)})
		if err == nil {
			c.attend(id, e)
			return
		}
		if !e.stubborn || try == 4 || pushed(err) == "refused" || !pause(c.ctx, c.r, time.Second) {
			return
		}
		if e.facts.Named == "" {
			opts = append(slices.Clone(e.opts), goflow.ID(id)) // as the documents advise
		}
	}
}

// push pushes an errand, or two copies of it at once, of which the one that fared
// better counts.
func (c *caller) push(e *errand, opts []goflow.PushOption) (id string, err error) {
	if !e.twin {
		return c.client.Push(c.ctx, e.job, encode(e.args), opts...)
	}
	one := task.Task{ID: e.facts.Named, Type: e.job, Payload: e.args}
	ids, err := c.client.PushMany(c.ctx, []task.Task{one, one}, opts...)
	first, second := port.ItemError(err, 0), port.ItemError(err, 1)
	if second == nil || first != nil && errors.Is(second, goflow.ErrAmbiguous) {
		first = second
	}
	return ids[0], first
}

// pushed is how a push ended.
func pushed(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, goflow.ErrAmbiguous):
		return "ambiguous"
	case errors.Is(err, goflow.ErrUnavailable):
		return "rejected"
	case errors.Is(err, goflow.ErrNotUnique), errors.Is(err, goflow.ErrDuplicateTask), errors.Is(err, goflow.ErrFinished):
		return "refused"
	}
	return "failed: " + err.Error()
}

// attend does what is to be done to a task that was pushed. Those who do it have
// a process of their own each.
func (c *caller) attend(id string, e *errand) {
	w := c.world
	act := func(what string, do func(c *caller)) {
		w.run(func() {
			other := w.newCaller(w.cloud.Start(what+"-"+strconv.Itoa(e.args.N), false))
			defer other.close()
			do(other)
		})
	}
	if e.cancel > 0 {
		act("canceller", func(c *caller) {
			if pause(w.ctx, c.r, e.cancel) {
				c.cancel(id)
			}
		})
	}
	for i, after := range e.reads {
		act("reader"+strconv.Itoa(i), func(c *caller) {
			if pause(w.ctx, c.r, after) {
				c.read(id)
			}
		})
	}
	if e.wait {
		act("waiter", func(c *caller) {
			ctx, cancel := context.WithTimeout(w.ctx, 5*time.Minute)
			defer cancel()
			rec, err := c.client.Wait(ctx, id)
			c.sawn(id, rec, err, 0)
		})
	}
}

func (c *caller) cancel(id string) {
	err := c.client.Cancel(c.ctx, id)
	text := "ok"
	if err != nil {
		text = "failed"
	}
	c.log.Add(history.Event{Actor: c.process.Name, Kind: history.Cancelled, Task: id, Text: text})
}

func (c *caller) read(id string) {
	c.log.Add(history.Event{Actor: c.process.Name, Kind: history.Reading, Task: id})
	rec, err := c.client.Get(c.ctx, id)
	c.sawn(id, rec, err, 1)
}

// sawn writes down what a client was told of a task; strong is 1 for a Get.
func (c *caller) sawn(id string, rec goflow.Record, err error, strong int) {
	e := history.Event{Actor: c.process.Name, Kind: history.Read, Task: id, N: strong}
	if err == nil {
		e.After = &history.Row{State: int(rec.State) - 1, Generation: rec.Generation, Attempts: rec.Attempts, Result: string(rec.Result)}
	} else {
		e.Text = "failed"
	}
	c.log.Add(e)
}

// uuid draws an ID that a program could choose.
func uuid(r *rand.Rand) string {
	return goflow.IDFrom(strconv.FormatUint(r.Uint64(), 16))
}
