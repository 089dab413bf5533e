package cloud

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// How long a request, and its answer, are on their way.
const (
	quickest = time.Millisecond
	usual    = 9 * time.Millisecond
	longest  = 200 * usual // where all takes its time
	slowest  = 20 * time.Second
)

// momentOfCalls is about how long after a pause a process reads its sockets.
const momentOfCalls = time.Millisecond

// try is one request. When ctx ends, nobody waits for it any more, but it goes on.
func (p *Process) try(ctx context.Context, c call) error {
	r := p.Cloud.stream(p, c.op, c.items)
	waking := rand.New(rand.NewPCG(r.Uint64(), 0)) //nolint:gosec // a seed has to repeat it
	if !p.Runs(waking, momentOfCalls) {
		return errOver
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	p.Cloud.pending.Go(func() { done <- p.request(context.WithoutCancel(ctx), c, r) })
	select {
	case err := <-done:
		if !p.Runs(waking, momentOfCalls) {
			return errOver
		}
		return err
	case <-ctx.Done():
		if !p.Runs(waking, momentOfCalls) {
			return errOver
		}
		return ctx.Err()
	}
}

// request is what becomes of one on its way, at the service, and on its way back.
func (p *Process) request(ctx context.Context, c call, r *rand.Rand) error {
	w := p.Cloud.Weather
	p.travel(r, c)
	lost, refused := p.strikes(r, c, LostAnswer), p.strikes(r, c, Refused)
	busy, broken, late := p.strikes(r, c, Throttled), p.strikes(r, c, ServerError), chance(r, .5)
	before, after := p.Mortal && p.strikes(r, c, CrashBefore), p.Mortal && p.strikes(r, c, CrashAfter)
	switch {
	case before:
		p.Kill()
		return errOver
	case refused:
		return errDial
	case w.out(c.queues):
		return errFault
	case busy:
		return errBusy
	case broken && !late:
		return errFault
	}
	err := c.effect(ctx, r)
	if after {
		p.Kill()
		return errOver
	}
	p.travel(r, c)
	if p.Mortal && p.strikes(r, c, Stall) {
		p.Pause(between(r, 0, slowest))
	}
	switch {
	case lost:
		return errCut
	case broken:
		return errFault
	}
	return err
}

// strikes draws a fault of a call and writes it down.
func (p *Process) strikes(r *rand.Rand, c call, f Fault) bool {
	hit := p.Cloud.Weather.Strikes(r, f)
	if hit {
		p.suffers(f, c.op)
	}
	return hit
}

// suffers writes down which call a fault has hit.
func (p *Process) suffers(f Fault, op string) {
	p.Cloud.Log.Add(history.Event{Actor: p.Name, Kind: history.Fault, Text: string(f) + ": " + op})
}

// travel lets a request or an answer be on its way.
func (p *Process) travel(r *rand.Rand, c call) {
	if l := p.Cloud.Latency; l != nil {
		time.Sleep(l.way(r, c.queues))
		return
	}
	time.Sleep(way(r, p.Cloud.Weather))
}

// way is how long that takes.
func way(r *rand.Rand, w *Weather) time.Duration {
	d := between(r, quickest, w.way())
	if w.Strikes(r, Slow) {
		d = between(r, usual, slowest)
	}
	return d
}

// serve is what becomes of a request that has come over the wire.
func (p *Process) serve(ctx context.Context, c call) error {
	r := p.Cloud.stream(p, c.op, c.items)
	before, after := p.Mortal && p.strikes(r, c, CrashBefore), p.Mortal && p.strikes(r, c, CrashAfter)
	if before {
		p.Kill()
		return errOver
	}
	err := c.effect(ctx, r)
	if after {
		p.Kill()
		return errOver
	}
	return err
}
