package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// burstsCommand makes this program a producer that pushes in bursts.
const burstsCommand = "produce-in-bursts"

// The bursts of a producer.
const (
	burst      = 40 // or a fortieth of all
	burstPause = 1200 * time.Millisecond
)

// produceInBursts is produceAll with pauses, and with the options of each order.
func produceInBursts(ctx context.Context, client *goflow.Client, orders []order, tell func(event) error) error {
	ids := make([]string, 0, len(orders))
	for chunk := range slices.Chunk(orders, max(burst, len(orders)/burst)) {
		done, err := pushBurst(ctx, client, chunk)
		if err != nil {
			return err
		}
		for _, e := range done {
			e.N = len(ids)
			if err := tell(e); err != nil {
				return err
			}
			ids = append(ids, e.ID)
		}
		pause(ctx, burstPause)
	}
	return awaitStubbornly(ctx, client, ids, tell)
}

// pushBurst pushes those together that have the same options.
func pushBurst(ctx context.Context, client *goflow.Client, orders []order) ([]event, error) {
	places := map[pushed][]int{}
	for i, o := range orders {
		places[o.pushed] = append(places[o.pushed], i)
	}
	done := make([]event, len(orders))
	for how, indexes := range places {
		tasks := make([]task.Task, len(indexes))
		for i, place := range indexes {
			tasks[i] = task.Task{Type: orders[place].Type, Payload: orders[place].Payload}
		}
		events, err := pushStubbornly(ctx, client, tasks, how.options())
		if err != nil {
			return nil, err
		}
		for i, place := range indexes {
			done[place] = events[i]
		}
	}
	return done, nil
}

// pushStubbornly pushes again, under the same ID, what was not pushed or may
// not have been.
func pushStubbornly(ctx context.Context, client *goflow.Client, tasks []task.Task, opts []goflow.PushOption) ([]event, error) {
	done, todo := make([]event, len(tasks)), make([]int, len(tasks))
	for i := range tasks {
		todo[i] = i
	}
	for {
		some := make([]task.Task, len(todo))
		for i, place := range todo {
			some[i] = tasks[place]
		}
		ids, err := client.PushMany(ctx, some, opts...)
		var left []int
		for i, place := range todo {
			tasks[place].ID, done[place].ID = ids[i], ids[i]
			switch err := port.ItemError(err, i); {
			case err == nil:
			case passes(ctx, err):
				done[place].Again++
				left = append(left, place)
			default:
				return nil, err
			}
		}
		if todo = left; len(todo) == 0 {
			return done, nil
		}
		pause(ctx, again)
	}
}

// passes tells whether a call that failed so may be made again.
func passes(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, goflow.ErrUnavailable) || errors.Is(err, goflow.ErrAmbiguous))
}

// awaitStubbornly waits again for what it could not wait for.
func awaitStubbornly(ctx context.Context, client *goflow.Client, ids []string, tell func(event) error) error {
	open := map[string]int{} // their numbers
	for i, id := range ids {
		open[id] = i
	}
	for len(open) > 0 {
		for rec, err := range client.WaitAll(ctx, slices.Collect(maps.Keys(open))) {
			if err != nil && passes(ctx, err) {
				continue
			}
			if err == nil {
				err = tell(event{N: open[rec.ID], Ended: true})
			}
			if err != nil {
				return err
			}
			delete(open, rec.ID)
		}
		pause(ctx, again)
	}
	return nil
}
