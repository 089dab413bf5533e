package main

import (
	"context"
	"errors"
	"slices"

	"github.com/jamesTait-jt/goflow/goflow"
)

// scenario is a way to use GoFlow.
type scenario struct {
	name string
	run  func(ctx context.Context, o options) (figures, error)
}

func scenarios() []scenario {
	return []scenario{
		{saturatedPool, saturated},
		of(noResult, work{job: goflow.NewJob[string, string]("cost.forget", goflow.NoResult()), result: small, unread: true}),
		of(once, work{job: goflow.NewJob[string, string]("cost.once", goflow.Once()), result: small}),
		of(largeResult, work{job: goflow.NewJob[string, string]("cost.large"), result: 1 << 10}),
		{lambdaInTens, inLambda},
	}
}

// of is a scenario whose tasks go through a pool.
func of(name string, w work) scenario {
	return scenario{name, func(ctx context.Context, o options) (figures, error) {
		return there(ctx, func(p *place) (figures, error) {
			to, err := p.open(ctx, pollWait)
			if err != nil {
				return nil, err
			}
			if _, err := p.through(ctx, to, w, o.tasks); err != nil {
				return nil, err
			}
			return to.bill().figures(name, o.tasks), nil
		})
	}}
}

// there does something in a place of its own.
func there(ctx context.Context, do func(*place) (figures, error)) (figures, error) {
	p, err := newPlace(ctx)
	if err != nil {
		return nil, err
	}
	got, err := do(p)
	return got, errors.Join(err, p.remove(context.WithoutCancel(ctx)))
}

// saturated is the pool with enough to do, and in turn with it, on the same
// servers, what one would write without a library.
func saturated(ctx context.Context, o options) (figures, error) {
	return there(ctx, func(p *place) (figures, error) {
		to, err := p.open(ctx, pollWait)
		if err != nil {
			return nil, err
		}
		plain, err := newNaive(ctx, p)
		if err != nil {
			return nil, err
		}
		w := work{job: goflow.NewJob[string, string]("cost.task"), result: small}
		var used usage
		var rates, plainRates, ratios []float64
		for range o.rounds {
			before := used.now()
			took, err := p.through(ctx, to, w, o.tasks)
			if err != nil {
				return nil, err
			}
			used.add(before)
			plainTook, err := plain.through(ctx, o.tasks/naiveShare)
			if err != nil {
				return nil, err
			}
			rates = append(rates, float64(o.tasks)/took.Seconds())
			plainRates = append(plainRates, float64(o.tasks/naiveShare)/plainTook.Seconds())
			ratios = append(ratios, rates[len(rates)-1]/plainRates[len(plainRates)-1])
		}
		tasks, plainTasks := o.tasks*o.rounds, o.tasks/naiveShare*o.rounds
		got := to.bill().figures(saturatedPool, tasks)
		per, _ := got.of(saturatedPool, calls)
		plainly := plain.bill().figures(naive, plainTasks)
		plainPer, _ := plainly.of(naive, calls)
		got = append(got,
			figure{saturatedPool, allocs, used.allocs / float64(tasks)},
			figure{saturatedPool, "processor_us", used.processor * 1e6 / float64(tasks)},
			figure{saturatedPool, "tasks_per_second", median(rates)},
			figure{saturatedPool, speed, median(ratios)},
			figure{saturatedPool, fewer, plainPer / per},
		)
		return append(append(got, plainly...), figure{naive, "tasks_per_second", median(plainRates)}), nil
	})
}

func median(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

// figures are what a bill comes to for each task.
func (b bill) figures(scenario string, tasks int) figures {
	n := float64(tasks)
	got := figures{
		{scenario, calls, float64(b.total) / n},
		{scenario, dollars, b.dollars * 1e6 / n},
		{scenario, connections, float64(b.dials) * 1e4 / float64(b.total)},
	}
	for _, op := range slices.Sorted(keys(b.calls)) {
		got = append(got, figure{scenario, op, float64(b.calls[op]) / n})
	}
	return got
}
