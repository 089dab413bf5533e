package goflow

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// How often waiting clients read: at once, then less and less often while
// nothing comes.
const (
	firstPoll = 50 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// Wait returns the task's record as soon as it has an outcome, whatever the
// outcome is. When ctx ends before, the error wraps ErrNotFinished and
// ctx.Err(). ErrNotFound: no outcome can come.
func (c *Client) Wait(ctx context.Context, id string) (Record, error) {
	rec, err := c.Get(ctx, id)
	if err != nil && ctx.Err() == nil || rec.State.Terminal() {
		return rec, err
	}
	if awaiter, ok := c.store.(port.Awaiter); ok {
		rec, err := awaiter.Await(ctx, id)
		if err != nil {
			return rec, unfinished(id, err)
		}
		return rec, nil
	}
	for rec, err := range c.WaitMany(ctx, []string{id}) {
		return rec, err
	}
	return Record{}, unfinished(id, ctx.Err())
}

func unfinished(id string, err error) error {
	return fmt.Errorf("goflow: wait for %s: %w: %w", id, ErrNotFinished, err)
}

// WaitMany yields each task's record as soon as it has an outcome, in the
// order in which they come. An error is yielded with the ID it belongs to:
// ErrNotFound, ErrNotFinished when ctx ends, or the store's error, which ends
// the sequence. It reads up to a hundred records in a call.
func (c *Client) WaitMany(ctx context.Context, ids []string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		open, pause := slices.Clone(ids), firstPoll
		for len(open) > 0 && ctx.Err() == nil {
			still, more := c.poll(ctx, open, yield)
			if !more || len(still) == 0 {
				return
			}
			if pause = min(2*pause, lastPoll); len(still) < len(open) {
				pause = firstPoll
			}
			open = still
			sleep(ctx, pause)
		}
		yieldUnfinished(ctx, open, yield)
	}
}

func yieldUnfinished(ctx context.Context, open []string, yield func(Record, error) bool) {
	for _, id := range open {
		if !yield(Record{ID: id}, unfinished(id, ctx.Err())) {
			return
		}
	}
}

// poll reads the open tasks once and yields those that are over. It returns
// those still open, and whether to go on.
func (c *Client) poll(ctx context.Context, open []string, yield func(Record, error) bool) ([]string, bool) {
	var still []string
	for chunk := range slices.Chunk(open, port.MaxReads) {
		recs, err := c.load(ctx, chunk)
		if ctx.Err() != nil {
			still = append(still, chunk...)
			continue
		}
		for i, id := range chunk {
			itemErr := port.ItemError(err, i)
			if itemErr != nil {
				yield(Record{ID: id}, fmt.Errorf("goflow: wait for %s: %w", id, itemErr))
				return nil, false
			}
			missing := c.missing(recs[i])
			if !recs[i].State.Terminal() && missing == nil {
				still = append(still, id)
			} else if !yield(recs[i], missing) {
				return nil, false
			}
		}
	}
	return still, true
}

// load reads with the usual retries; a moment behind is good enough for
// polling, at half the price.
func (c *Client) load(ctx context.Context, ids []string) ([]Record, error) {
	recs := make([]Record, len(ids))
	err := retryItems(ctx, len(ids), func(items []int) error {
		wanted := make([]string, len(items))
		for place, item := range items {
			wanted[place] = ids[item]
		}
		got, err := c.store.Load(ctx, wanted, false)
		for place, item := range items {
			if place < len(got) {
				recs[item] = got[place]
			}
		}
		return err
	})
	return recs, err
}
