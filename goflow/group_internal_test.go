package goflow

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// answering is what a group calls: it takes a while, and notes what it is called with.
type answering struct {
	after func(items []int) time.Duration
	fails func(item int) error

	mu    sync.Mutex
	calls [][]int
	ended int // by their contexts
}

func (a *answering) call(ctx context.Context, items []int) ([]string, error) {
	a.mu.Lock()
	a.calls = append(a.calls, items)
	a.mu.Unlock()
	select {
	case <-time.After(a.after(items)):
	case <-ctx.Done():
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ended++
		return nil, ctx.Err()
	}
	outs, errs := make([]string, len(items)), port.ItemErrors{}
	for i, item := range items {
		outs[i] = fmt.Sprint("answer to ", item)
		if a.fails != nil && a.fails(item) != nil {
			errs[i] = a.fails(item)
		}
	}
	return outs, errs.Err()
}

// seen are the calls so far, and how many of them their contexts have ended.
func (a *answering) seen() (calls [][]int, ended int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls), a.ended
}

// sizes are those of the calls so far.
func (a *answering) sizes() (all []int) {
	calls, _ := a.seen()
	for _, items := range calls {
		all = append(all, len(items))
	}
	return all
}

const roundTrip = 10 * time.Millisecond

func always(d time.Duration) func([]int) time.Duration { return func([]int) time.Duration { return d } }

// ask asks a group for items at once, and returns the answers when all have come.
func ask(t *testing.T, g *group[int, string], items ...int) (outs []string, errs []error) {
	t.Helper()
	outs, errs = make([]string, len(items)), make([]error, len(items))
	var all sync.WaitGroup
	for i, item := range items {
		all.Go(func() { outs[i], errs[i] = g.do(t.Context(), item) })
	}
	all.Wait()
	return outs, errs
}

func numbers(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

var errItem = errors.New("this one fails")

func TestGroup(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(t *testing.T, a *answering, g *group[int, string]){
		"OneAloneTakesARoundTrip": func(t *testing.T, _ *answering, g *group[int, string]) {
			t.Helper()
			begin := time.Now()
			_, errs := ask(t, g, 1)
			require.NoError(t, errs[0])
			require.Less(t, time.Since(begin), roundTrip+time.Microsecond)
		},
		"EachGetsItsOwnAnswer": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			a.fails = func(item int) error {
				if item%7 == 3 {
					return errItem
				}
				return nil
			}
			outs, errs := ask(t, g, numbers(95)...)
			for item := range outs {
				require.Equal(t, fmt.Sprint("answer to ", item), outs[item])
				require.Equal(t, a.fails(item), errs[item], item)
			}
			require.Len(t, a.sizes(), 10)
		},
		"CallsAreInTheOrderOfThoseWhoCame": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			var all sync.WaitGroup
			for item := range 25 {
				all.Go(func() { _, _ = g.do(t.Context(), item) })
				time.Sleep(time.Nanosecond)
			}
			all.Wait()
			calls, _ := a.seen()
			require.Equal(t, numbers(25), slices.Concat(calls...))
		},
		"LingersOnlyAsLongAsOthersAreExpected": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			expected := 3
			g.linger, g.expected = time.Minute, func() int { return expected }
			go func() { _, _ = g.do(t.Context(), 1) }()
			time.Sleep(time.Second)
			require.Empty(t, a.sizes())
			begin := time.Now()
			_, _ = ask(t, g, 2, 3)
			require.Less(t, time.Since(begin), roundTrip+time.Microsecond)
			require.Equal(t, []int{3}, a.sizes())
			expected = 1
			begin = time.Now()
			_, _ = ask(t, g, 4)
			require.Less(t, time.Since(begin), roundTrip+time.Microsecond)
		},
		"LingerEnds": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			g.linger = time.Second
			begin := time.Now()
			_, _ = ask(t, g, 1, 2)
			require.InDelta(t, (time.Second + roundTrip).Seconds(), time.Since(begin).Seconds(), 1e-6)
			require.Equal(t, []int{2}, a.sizes())
		},
		"HurryEndsAllLingering": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			g.linger = time.Hour
			begin := time.Now()
			go func() {
				time.Sleep(time.Second)
				g.hurry()
			}()
			_, errs := ask(t, g, 1, 2)
			require.NoError(t, errors.Join(errs...), "nothing is lost")
			_, _ = ask(t, g, 3)
			require.Less(t, time.Since(begin), time.Second+2*roundTrip+time.Microsecond)
			require.Equal(t, []int{2, 1}, a.sizes())
		},
		"CallHoldsNoMoreBytesThanItMay": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			g.linger = time.Second
			g.size, g.mostSize = func(item int) int { return item }, 100
			begin := time.Now()
			_, errs := ask(t, g, 40, 40, 40, 40, 150)
			require.NoError(t, errors.Join(errs...))
			require.Less(t, time.Since(begin), time.Second+2*roundTrip)
			calls, _ := a.seen()
			for _, items := range calls {
				size := 0
				for _, item := range items {
					size += item
				}
				require.True(t, size <= 100 || len(items) == 1, items)
			}
		},
		"CallThatHangsHoldsNobodyUp": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			a.after = func(items []int) time.Duration {
				if items[0] == 0 {
					return time.Hour
				}
				return roundTrip
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _, _ = g.do(ctx, 0) }()
			time.Sleep(time.Millisecond)
			begin := time.Now()
			_, errs := ask(t, g, 1, 2)
			require.NoError(t, errors.Join(errs...))
			require.LessOrEqual(t, time.Since(begin), longCall+2*roundTrip)
			require.Equal(t, []int{1, 2}, a.sizes())
			cancel()
		},
		"WhoLeavesInTimeIsNotSent": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			go func() { _, _ = g.do(t.Context(), 1) }()
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			_, err := g.do(ctx, 2)
			require.ErrorIs(t, err, errUnsent)
			require.ErrorIs(t, err, context.Canceled)
			_, err = g.do(ctx, 3)
			require.ErrorIs(t, err, errUnsent)
			time.Sleep(time.Second)
			calls, _ := a.seen()
			require.Equal(t, [][]int{{1}}, calls)
		},
		"WhoHasLittleTimeLeavesMostOfItToTheCall": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			a.after = func(items []int) time.Duration {
				if items[0] == 0 {
					return time.Hour
				}
				return roundTrip
			}
			first, cancelFirst := context.WithCancel(t.Context())
			go func() { _, _ = g.do(first, 0) }()
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 2*roundTrip)
			defer cancel()
			_, err := g.do(ctx, 1)
			require.NoError(t, err)
			cancelFirst()
		},
		"CallThatEndsItsGoroutineIsAnswered": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			a.after = func([]int) time.Duration { runtime.Goexit(); return 0 }
			_, errs := ask(t, g, 1, 2)
			require.ErrorIs(t, errs[0], errFlown)
			require.ErrorIs(t, errs[1], errFlown)
		},
		"CallEndsWithTheLastWhoWaitsForIt": func(t *testing.T, a *answering, g *group[int, string]) {
			t.Helper()
			a.after = always(time.Hour)
			leave := func(after time.Duration) <-chan error {
				left := make(chan error, 1)
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					_, err := g.do(ctx, 0)
					left <- err
				}()
				time.AfterFunc(after, cancel)
				return left
			}
			first, last := leave(time.Second), leave(time.Minute)
			require.ErrorIs(t, <-first, errFlown)
			synctest.Wait()
			_, ended := a.seen()
			require.Zero(t, ended)
			require.ErrorIs(t, <-last, errFlown)
			synctest.Wait()
			_, ended = a.seen()
			require.Equal(t, 1, ended)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &answering{after: always(roundTrip)}
				subtest(t, a, newGroup(10, a.call))
				time.Sleep(time.Minute) // what is left, ends
			})
		})
	}
}
