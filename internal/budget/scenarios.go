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
		{localMode, inProcess},
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

// race is GoFlow and, in turn with it, on the same servers, what one would write
// without a library.
type race struct {
	options

	at     *place
	to     *parts
	plain  *plainly
	used   usage
	rates  []float64 // tasks a second, of each round
	plains []float64
	ratios []float64
}

// saturated is the pool that has enough to do.
func saturated(ctx context.Context, o options) (figures.List, error) {
	return there(ctx, func(p *place) (got figures.List, err error) {
		warm := race{options: options{tasks: o.tasks / 2, rounds: 1}, at: p} // the emulators compile what is used most
		if err := warm.run(ctx); err != nil {
			return nil, err
		}
		r := race{options: o, at: p}
		if err := r.run(ctx); err != nil {
			return nil, err
		}
		got = r.figures()
		return got, p.storage(ctx, &got)
	})
}

func (r *race) run(ctx context.Context) (err error) {
	if r.to, err = r.at.open(ctx, pollWait); err != nil {
		return err
	}
	if r.plain, err = newNaive(ctx, r.at); err != nil {
		return err
	}
	for range r.rounds {
		if err := r.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *race) round(ctx context.Context) error {
	before := used()
	took, err := r.at.through(ctx, r.to, work{job: goflow.NewJob[string, string]("cost.task"), result: small}, r.tasks)
	if err != nil {
		return err
	}
	r.used.add(before)
	plainTook, err := r.plain.through(ctx, r.tasks/naiveShare)
	if err != nil {
		return err
	}
	rate, plain := float64(r.tasks)/took.Seconds(), float64(r.tasks/naiveShare)/plainTook.Seconds()
	r.rates, r.plains, r.ratios = append(r.rates, rate), append(r.plains, plain), append(r.ratios, rate/plain)
	return nil
}

func (r *race) figures() figures.List {
	tasks := r.tasks * r.rounds
	got := perTask(r.to.Usage(), saturatedPool, tasks)
	plainly := perTask(r.plain.Usage(), naive, r.tasks/naiveShare*r.rounds)
	few, _ := got.Of(saturatedPool, calls)
	many, _ := plainly.Of(naive, calls)
	got.Add(saturatedPool, allocs, r.used.allocs/float64(tasks))
	got.Add(saturatedPool, "processor_us", r.used.processor*1e6/float64(tasks))
	got.Add(saturatedPool, "tasks_per_second", median(r.rates))
	got.Add(saturatedPool, speed, median(r.ratios))
	got.Add(saturatedPool, fewer, many/few)
	got = append(got, plainly...)
	got.Add(naive, "tasks_per_second", median(r.plains))
	return got
}

func median(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

// perTask is what a task of a scenario has used, each kind of call by itself.
func perTask(u cost.Usage, scenario string, tasks int) (got figures.List) {
	n := float64(tasks)
	got.Add(scenario, calls, float64(u.Requests())/n)
	got.Add(scenario, dollars, u.Dollars()*1e6/n)
	got.Add(scenario, opened, float64(u.Connections))
	got.Add(scenario, "connections_per_10k_calls", float64(u.Connections)*1e4/float64(u.Requests()))
	byName := func(a, b cost.Operation) int { return cmp.Compare(a.Name, b.Name) }
	for _, op := range slices.SortedFunc(maps.Keys(u.Calls), byName) {
		got.Add(scenario, op.Name, float64(u.Calls[op])/n)
	}
	return got
}
