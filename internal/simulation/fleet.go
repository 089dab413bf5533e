package simulation

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// drain is what a worker that stops gives its tasks.
const drain = 2 * time.Second

// place keeps one worker running until ctx ends: whenever one dies or stops,
// another is started.
func (w *world) place(ctx context.Context, n int) {
	r := rand.New(rand.NewPCG(w.Seed, uint64(100+n))) //nolint:gosec // a seed has to repeat it
	for life := 1; pause(ctx, r, time.Duration(n+life)*50*time.Millisecond); life++ {
		w.live(ctx, r, "worker-"+strconv.Itoa(n)+"."+strconv.Itoa(life))
		pause(ctx, r, time.Duration(r.Int64N(int64(4*time.Second))))
	}
}

// live is the life of one worker process.
func (w *world) live(ctx context.Context, r *rand.Rand, name string) { //nolint:contextcheck // a worker outlives its shift
	p := w.cloud.Start(name, true)
	parts := w.parts(p)
	worker, err := goflow.NewWorker(parts.queue, parts.store, w.mux(p), goflow.DeadLetters(parts.dead),
		goflow.Concurrency(w.Slots), goflow.Drain(drain), goflow.UnknownTypeGrace(unknownGrace))
	if err != nil {
		panic(err) // the options are ours
	}
	running, stop := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	w.run(func() {
		defer stop()
		ended <- worker.Run(running)
	})
	w.run(func() { w.freeze(running, p) })
	shift, cancel := context.WithTimeout(ctx, time.Duration(5+r.Int64N(120))*time.Second+time.Duration(r.Int64N(int64(time.Millisecond))))
	defer cancel()
	select {
	case err := <-ended:
		w.stopped(p, err)
		return
	case <-p.Died():
		return
	case <-shift.Done():
	}
	p.Cloud.Log.Add(history.Event{Actor: name, Kind: history.Stopping, N: int(p.Unpolled() / time.Second)})
	stop()
	select {
	case err := <-ended:
		w.stopped(p, err)
	case <-p.Died():
	}
}

func (w *world) stopped(p *cloud.Process, err error) {
	text := "ok"
	abandoned, ok := errors.AsType[*goflow.AbandonedError](err)
	switch {
	case ok:
		text = "abandoned " + strconv.Itoa(len(abandoned.IDs))
	case errors.Is(err, goflow.ErrStuck):
		text = "stuck"
	case errors.Is(err, goflow.ErrUnavailable):
		text = "did not start" // its supervisor tries again
	case err != nil:
		text = "failed: " + err.Error()
	}
	w.log.Add(history.Event{Actor: p.Name, Kind: history.Stopped, Text: text})
}

// freeze stops a process for a while now and then, as SIGSTOP or a machine that
// swaps does.
func (w *world) freeze(ctx context.Context, p *cloud.Process) {
	r := w.cloud.Stream("freeze", p.Name)
	const every = 5 * time.Second
	for pause(ctx, r, every) {
		if p.Dead() {
			return
		}
		if w.weather.Strikes(r, cloud.Pause) {
			p.Pause(time.Duration(r.Int64N(int64(3 * w.Lease))))
		}
	}
}
