package pool

import (
	"context"
	"log/slog"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// pool is what a worker on AWS is made of.
type pool struct {
	settings config.Settings
	loader   *config.Loader
	mux      *goflow.Mux
	log      *slog.Logger
	meter    *cost.Meter // of its calls to AWS
}

// workOnAWS runs the pool until ctx ends and it has drained.
func workOnAWS(ctx context.Context, p pool) error {
	parts, err := p.open(ctx)
	if err != nil {
		return err
	}
	opts := append(config.WorkerOptions(p.settings, p.log), parts.DeadLetters())
	worker, err := goflow.NewWorker(parts.Queue, parts.Table, p.mux, opts...)
	if err != nil {
		return err
	}
	stop, err := probes{worker: worker, pollWait: p.settings.PollWait, stopping: ctx, meter: p.meter}.serve(p.settings.HTTPAddr, p.log)
	if err != nil {
		return err
	}
	defer stop()
	p.log.InfoContext(ctx, "worker started", slog.Int("concurrency", worker.Concurrency()))
	context.AfterFunc(ctx, func() {
		p.log.InfoContext(ctx, "worker drains", slog.String("at_most", (p.settings.PollWait+p.settings.Drain).String()))
	})
	err = worker.Run(ctx)
	p.log.InfoContext(ctx, "worker stopped")
	return err
}

// open makes what -provision asks for and checks that everything is there,
// within a bound.
func (p pool) open(ctx context.Context) (config.Parts, error) {
	ctx, cancel := context.WithTimeout(ctx, program.StartTime)
	defer cancel()
	if p.settings.Provision {
		var err error
		if p.settings, err = config.Provision(ctx, p.settings); err != nil {
			return config.Parts{}, err
		}
		if p.settings.NoDLQ {
			p.settings.DLQURL = "" // made, as the queue's redrive needs it, but not used
		}
	} else if err := p.loader.RequirePlaces(p.settings); err != nil {
		return config.Parts{}, err
	}
	parts, err := config.Open(ctx, p.settings, p.meter.Watch)
	if err != nil {
		return parts, err
	}
	return parts, parts.Check(ctx)
}
