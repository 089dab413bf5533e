package goflow

import (
	"context"
	"errors"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// retryPauses are the longest pauses before the repeats of a call whose items
// were unavailable. Ports never retry single items; whole calls may have been
// retried by the vendor's SDK, hence so few.
func retryPauses() []time.Duration {
	return []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1600 * time.Millisecond}
}

// retryItems calls f for n items, and again for those that were unavailable.
// f gets the items' indexes and returns errors by their place in that list.
func retryItems(ctx context.Context, n int, f func(items []int) error) error {
	todo := make([]int, n)
	for i := range todo {
		todo[i] = i
	}
	failed := port.ItemErrors{}
	for _, pause := range append(retryPauses(), -1) {
		err := f(todo)
		var again []int
		for place, item := range todo {
			itemErr := port.ItemError(err, place)
			delete(failed, item)
			if itemErr == nil {
				continue
			}
			failed[item] = itemErr
			if errors.Is(itemErr, ErrUnavailable) {
				again = append(again, item)
			}
		}
		if len(again) == 0 || pause < 0 || !sleep(ctx, pause/2+jitter(pause/2)) {
			break
		}
		todo = again
	}
	return failed.Err()
}

// retryEach is retryItems for a call that takes the items themselves.
func retryEach[T any](ctx context.Context, all []T, f func(some []T) error) error {
	return retryItems(ctx, len(all), func(items []int) error {
		some := make([]T, len(items))
		for place, item := range items {
			some[place] = all[item]
		}
		return f(some)
	})
}

// retryOne is retryItems for a call of one item.
func retryOne(ctx context.Context, f func() error) error {
	err := port.ItemError(f(), 0)
	if err == nil {
		return nil // as nearly always, and in local mode for every task: it allocates nothing
	}
	for _, pause := range retryPauses() {
		if !errors.Is(err, ErrUnavailable) || !sleep(ctx, pause/2+jitter(pause/2)) {
			break
		}
		err = port.ItemError(f(), 0)
	}
	return err
}

// loadOne reads one record freshly.
func loadOne(ctx context.Context, from loader, id string) (rec Record, err error) {
	err = retryOne(ctx, func() error {
		recs, err := from.Load(ctx, []string{id}, true)
		if err == nil {
			rec = recs[0]
		}
		return err
	})
	return rec, err
}

// sleep waits for d and reports whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool { return !within(ctx.Done(), d) }

// within waits for done, for d at the longest, and tells whether it came.
func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
