package main

import (
	"context"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// burstsCommand makes this program a producer that pushes in bursts.
const burstsCommand = "produce-in-bursts"

// The bursts of a producer.
const (
	burst      = 40
	burstPause = 1200 * time.Millisecond
)

// produceInBursts is produceAll with pauses, and with the options of each order.
func produceInBursts(ctx context.Context, client *goflow.Client, orders []order, tell func(event) error) error {
	ids := make([]string, 0, len(orders))
	for chunk := range slices.Chunk(orders, burst) {
		pushedIDs, err := pushBurst(ctx, client, chunk)
		if err != nil {
			return err
		}
		for _, id := range pushedIDs {
			if err := tell(event{N: len(ids), ID: id}); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		pause(ctx, burstPause)
	}
	return await(ctx, client, ids, tell)
}

// pushBurst pushes those together that have the same options.
func pushBurst(ctx context.Context, client *goflow.Client, orders []order) ([]string, error) {
	places := map[pushed][]int{}
	for i, o := range orders {
		places[o.pushed] = append(places[o.pushed], i)
	}
	ids := make([]string, len(orders))
	for how, indexes := range places {
		tasks := make([]task.Task, len(indexes))
		for i, place := range indexes {
			tasks[i] = task.Task{Type: orders[place].Type, Payload: orders[place].Payload}
		}
		pushedIDs, err := client.PushMany(ctx, tasks, how.options()...)
		if err != nil {
			return nil, err
		}
		for i, place := range indexes {
			ids[place] = pushedIDs[i]
		}
	}
	return ids, nil
}
