package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/figures"
)

// scenario is a way to use GoFlow.
type scenario struct {
	name string
	run  func(ctx context.Context, o options) (figures.List, error)
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
	return scenario{name, func(ctx context.Context, o options) (figures.List, error) {
		return there(ctx, func(p *place) (figures.List, error) {
			to, err := p.open(ctx, pollWait)
			if err != nil {
				return nil, err
			}
			if _, err := p.through(ctx, to, w, o.tasks); err != nil {
				return nil, err
			}
			return perTask(to.Usage(), name, o.tasks), nil
		})
	}}
}

// there does something in a place of its own.
func there(ctx context.Context, do func(*place) (figures.List, error)) (figures.List, error) {
	p, err := newPlace(ctx)
	if err != nil {
		return nil, err
	}
	got, err := do(p)
	return got, errors.Join(err, p.remove(context.WithoutCancel(ctx)))
}

// saturated is the pool with enough to do, and in turn with it, on the same
// servers, what one would write without a library.
func saturated(ctx context.Context, o options) (figures.List, error) {
	return there(ctx, func(p *place) (figures.List, error) {
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
		got := perTask(to.Usage(), saturatedPool, tasks)
		per, _ := got.Of(saturatedPool, calls)
		plainly := perTask(plain.Usage(), naive, plainTasks)
		plainPer, _ := plainly.Of(naive, calls)
		got.Add(saturatedPool, allocs, used.allocs/float64(tasks))
		got.Add(saturatedPool, "processor_us", used.processor*1e6/float64(tasks))
		got.Add(saturatedPool, "tasks_per_second", median(rates))
		got.Add(saturatedPool, speed, median(ratios))
		got.Add(saturatedPool, fewer, plainPer/per)
		got = append(got, plainly...)
		got.Add(naive, "tasks_per_second", median(plainRates))
		return got, nil
	})
}

func median(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

// perTask is what a task of a scenario has used, each kind of call by itself.
func perTask(u cost.Usage, scenario string, tasks int) (got figures.List) {
	n := float64(tasks)
	got.Add(scenario, calls, float64(u.Requests())/n)
	got.Add(scenario, dollars, u.Dollars()*1e6/n)
	got.Add(scenario, connections, float64(u.Connections))
	got.Add(scenario, "connections_per_10k_calls", float64(u.Connections)*1e4/float64(u.Requests()))
	byName := func(a, b cost.Operation) int { return cmp.Compare(a.Name, b.Name) }
	for _, op := range slices.SortedFunc(maps.Keys(u.Calls), byName) {
		got.Add(scenario, op.Name, float64(u.Calls[op])/n)
	}
	return got
}
