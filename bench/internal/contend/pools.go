package contend

import (
	"context"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/pool"
)

// future is where one result comes to.
type future chan string

func newFuture() future { return make(future, 1) }

// channel is written by hand: fixed workers that read a channel, and a channel for
// each result.
type channel chan request

type request struct {
	payload string
	result  future
}

func newChannel(s Settings) (Pool, error) {
	c := make(channel, s.Handlers)
	for range s.Handlers {
		go func() {
			for r := range c {
				result, _ := handle(context.Background(), r.payload) // never fails
				r.result <- result
			}
		}()
	}
	return c, nil
}

func (c channel) Do(_ context.Context, payload string) error {
	r := request{payload, newFuture()}
	c <- r
	return check(<-r.result)
}

type antsPool struct{ pool *ants.Pool }

func newAnts(s Settings) (Pool, error) {
	p, err := ants.NewPool(s.Handlers)
	return antsPool{p}, err
}

func (a antsPool) Do(ctx context.Context, payload string) error {
	result := newFuture()
	err := a.pool.Submit(func() {
		r, _ := handle(ctx, payload) // never fails
		result <- r
	})
	if err != nil {
		return err
	}
	return check(<-result)
}

type pondPool struct{ pool pond.ResultPool[string] }

func newPond(s Settings) (Pool, error) { return pondPool{pond.NewResultPool[string](s.Handlers)}, nil }

func (p pondPool) Do(ctx context.Context, payload string) error {
	result, err := p.pool.SubmitErr(func() (string, error) { return handle(ctx, payload) }).Wait()
	if err != nil {
		return err
	}
	return check(result)
}

// concPool: conc's pools of results give them all at the end, in place of each to
// who waits for it, so that a channel carries each.
type concPool struct{ pool *pool.Pool }

func newConc(s Settings) (Pool, error) {
	return concPool{pool.New().WithMaxGoroutines(s.Handlers)}, nil
}

func (c concPool) Do(ctx context.Context, payload string) error {
	result := newFuture()
	c.pool.Go(func() {
		r, _ := handle(ctx, payload) // never fails
		result <- r
	})
	return check(<-result)
}
