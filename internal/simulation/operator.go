package simulation

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// operator sends dead letters back now and then, until ctx ends. When the process
// dies another begins anew.
func (w *world) operator(ctx context.Context) {
	r := rand.New(rand.NewPCG(w.Seed, 3)) //nolint:gosec // a seed has to repeat it
	for life := 1; pause(ctx, r, time.Duration(5+r.IntN(10))*time.Second); life++ {
		p := w.cloud.Start("operator."+strconv.Itoa(life), true)
		done := make(chan struct{})
		w.run(func() {
			defer close(done)
			w.redrive(p)
		})
		select {
		case <-done:
		case <-p.Died():
		}
	}
}

// redrive sends all dead letters back, once.
func (w *world) redrive(p *cloud.Process) {
	parts := w.parts(p)
	letters, err := goflow.NewDeadLetterQueue(parts.dead, parts.queue, parts.store)
	if err != nil {
		panic(err) // the options are ours
	}
	for letter, err := range letters.Redrive(w.ctx, goflow.DeadLetterFilter{}) {
		if err == nil && !p.Dead() {
			w.log.Add(history.Event{Actor: p.Name, Kind: history.Redriving, Task: letter.ID, Generation: letter.Generation})
		}
	}
}
