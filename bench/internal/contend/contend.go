// Package contend has the contenders of the benchmark, each written as a program
// that uses it would be: GoFlow through its public API, what one writes with the
// AWS SDK in an afternoon, other task queues, and pools of goroutines.
//
// The work is the same for all: a handler is given a text and returns one of
// 100 bytes, and whoever pushed the task reads that reply once. Beyond the
// number of handlers, each is left as it comes, and who has to poll for a result
// does so every [PollGap].
package contend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// Handlers is how many handlers run at a time, unless a run is about that.
	Handlers = 100
	// PollGap is how long who polls for a result waits before the next look. It
	// is also GoFlow's shortest.
	PollGap = 50 * time.Millisecond
	// readers is how many goroutines read results, where each reads its own.
	readers = 100
)

// Settings are what a contender is made from.
type Settings struct {
	Name     string `json:"name"`     // of its queue and its table, which nobody else has
	Workers  int    `json:"workers"`  // GoFlow's only: each with clients and handlers of its own
	Handlers int    `json:"handlers"` // of each worker
}

// Queue is a contender whose tasks leave the process. It ends with its process.
type Queue interface {
	// Work starts the workers.
	Work(ctx context.Context) error
	// Push returns the task's ID when it is queued.
	Push(ctx context.Context, payload string) (string, error)
	// Await reads the result of each task, once.
	Await(ctx context.Context, ids []string) error
}

// Pool is a contender whose tasks stay in the process, and so does it.
type Pool interface {
	// Do runs one task and returns when its result is here.
	Do(ctx context.Context, payload string) error
}

// Queues are the contenders with workers in processes of their own, by name.
func Queues() map[string]func(context.Context, Settings) (Queue, error) {
	return map[string]func(context.Context, Settings) (Queue, error){
		"GoFlow": newGoFlow,
		"naive":  newNaive,
		"asynq":  newAsynq,
		"River":  newRiver,
	}
}

// Pools are the contenders within one process, by name.
func Pools() map[string]func(Settings) (Pool, error) {
	return map[string]func(Settings) (Pool, error){
		"GoFlow, local mode": newLocal,
		"channel, workers":   newChannel,
		"ants":               newAnts,
		"pond":               newPond,
		"conc":               newConc,
	}
}

// reply is what every handler returns: it is no task of theirs to make one.
const reply = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"

var errReply = errors.New("that is not the result")

func check(result string) error {
	if result != reply {
		return fmt.Errorf("%w: %.40q", errReply, result)
	}
	return nil
}

// each calls f for every item, in so many goroutines, and returns the errors.
func each[T any](goroutines int, items []T, f func(T) error) error {
	next := make(chan T, len(items))
	for _, item := range items {
		next <- item
	}
	close(next)
	errs := make([]error, min(goroutines, len(items)))
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for item := range next {
				if err := f(item); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// poll asks until it is answered.
func poll(ctx context.Context, ask func() (bool, error)) error {
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(PollGap):
		}
	}
}
