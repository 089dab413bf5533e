package goflow_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// polledStore has to be polled, and notes what was read when.
type polledStore struct {
	port.Store
	hook func(ctx context.Context) error // nil: reads just happen

	mu    sync.Mutex
	reads []polled
}

type polled struct {
	at    time.Time
	ids   int
	twice bool
	fresh bool
}

func (s *polledStore) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	sorted := slices.Sorted(slices.Values(ids))
	s.mu.Lock()
	s.reads = append(s.reads, polled{time.Now(), len(ids), len(slices.Compact(sorted)) < len(ids), fresh})
	s.mu.Unlock()
	if s.hook != nil {
		if err := s.hook(ctx); err != nil {
			return nil, err
		}
	}
	return s.Store.Load(ctx, ids, fresh)
}

// count returns the calls and the IDs in them, and forgets them.
func (s *polledStore) count() (calls, ids int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reads {
		ids += r.ids
	}
	calls, s.reads = len(s.reads), nil
	return calls, ids
}

// polling gives w a client whose store has to be polled.
func (w *world) polling() *polledStore {
	w.Helper()
	store := &polledStore{Store: w.records}
	var err error
	w.client, err = goflow.NewClient(w.queue, store)
	require.NoError(w, err)
	return store
}

// pushed returns the IDs of n tasks that nobody runs.
func (w *world) pushed(n int) []string { return w.pushedAs("t", n) }

func (w *world) pushedAs(taskType string, n int) []string {
	w.Helper()
	tasks := make([]task.Task, n)
	for i := range tasks {
		tasks[i] = task.Task{Type: taskType, Payload: i}
	}
	ids, err := w.client.PushMany(w.Context(), tasks)
	require.NoError(w, err)
	return ids
}

// end gives tasks a record.
func (w *world) end(state task.State, ids ...string) {
	w.Helper()
	for _, id := range ids {
		rec := port.Record{ID: id, State: state, Generation: 1}
		if state == task.Done {
			rec.Result = []byte(`"` + id + `"`)
		}
		require.NoError(w, w.records.Save(w.Context(), []port.Record{rec}))
	}
}

// waiting waits in the background, a day at the most, and returns how long it
// took.
func (w *world) waiting(ctx context.Context, id string) <-chan waited {
	done := make(chan waited, 1)
	begin := time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(ctx, 24*time.Hour)
		defer cancel()
		rec, err := w.client.Wait(ctx, id)
		done <- waited{rec, err, time.Since(begin)}
	}()
	synctest.Wait()
	return done
}

type waited struct {
	rec  goflow.Record
	err  error
	took time.Duration
}

func eachInWorld(t *testing.T, subtests map[string]func(w *world)) {
	t.Helper()
	for name, subtest := range subtests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	eachInWorld(t, map[string]func(w *world){
		"TroubleOfLongAgoEndsNoWaiting": func(w *world) {
			store := w.polling()
			fails := true
			store.hook = func(context.Context) error {
				failed := fails
				if fails = false; failed {
					return port.ErrUnavailable
				}
				return nil
			}
			id := w.push("t", 1)
			ctx, cancel := context.WithTimeout(w.Context(), 20*time.Millisecond) // for its only read
			defer cancel()
			_, err := w.client.Wait(ctx, id)
			require.ErrorIs(w, err, goflow.ErrNotFinished)
			time.Sleep(time.Hour)
			fails = true
			waiting := w.waiting(w.Context(), id)
			time.Sleep(time.Minute)
			w.end(task.Done, id)
			require.NoError(w, (<-waiting).err)
		},
		"FiveHundredWaitersCostFewCalls": func(w *world) {
			store := w.polling()
			job := goflow.NewJob[int, int]("square")
			job.Handle(w.mux, func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Second)
				return n * n, nil
			})
			stop := w.start(goflow.Concurrency(100))
			var waiting sync.WaitGroup
			for n := range 500 {
				waiting.Go(func() {
					id, err := job.Push(w.Context(), w.client, n)
					require.NoError(w, err)
					got, err := job.Wait(w.Context(), w.client, id)
					require.NoError(w, err)
					require.Equal(w, n*n, got)
				})
			}
			waiting.Wait()
			require.NoError(w, stop())
			for _, read := range store.reads {
				require.False(w, read.twice, "no call names an ID twice")
				require.False(w, read.fresh, "a moment behind is good enough")
			}
			calls, _ := store.count()
			require.LessOrEqual(w, calls, 30)
		},
		"WaitersOfOneTaskShareItsReads": func(w *world) {
			store := w.polling()
			id := w.pushed(1)[0]
			var all []<-chan waited
			for range 100 {
				all = append(all, w.waiting(w.Context(), id))
			}
			time.Sleep(time.Second)
			w.end(task.Done, id)
			for _, done := range all {
				got := <-done
				require.NoError(w, got.err)
				require.Equal(w, strconv.Quote(id), string(got.rec.Result))
				got.rec.Result[0] = '!' // each has a record of its own
			}
			rec, err := w.client.Wait(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, strconv.Quote(id), string(rec.Result))
			calls, ids := store.count()
			require.Equal(w, calls, ids, "one ID a call")
			require.Less(w, calls, 10)
		},
		"BacksOffAndComesBack": func(w *world) {
			store := w.polling()
			ids := w.pushed(2)
			first := w.waiting(w.Context(), ids[0])
			begin := time.Now()
			time.Sleep(time.Minute)
			var at []time.Duration
			store.mu.Lock()
			for _, read := range store.reads[:9] {
				at = append(at, read.at.Sub(begin))
			}
			store.mu.Unlock()
			const ms = time.Millisecond
			require.Equal(w, []time.Duration{0, 50 * ms, 150 * ms, 350 * ms, 750 * ms, 1550 * ms, 3150 * ms, 6350 * ms, 11350 * ms}, at)
			calls, _ := store.count()
			require.Equal(w, 18, calls, "once in five seconds then")
			w.end(task.Done, ids[1])
			second := <-w.waiting(w.Context(), ids[1])
			require.LessOrEqual(w, second.took, 50*ms, "a new waiter is served soon")
			w.end(task.Done, ids[0])
			require.NoError(w, (<-first).err)
		},
		"WhatHasEndedIsReadOnceAndEverFaster": func(w *world) {
			store := w.polling()
			ids := w.pushed(5000)
			w.end(task.Done, ids...)
			begin := time.Now()
			for _, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err)
			}
			require.Less(w, time.Since(begin), time.Second)
			calls, read := store.count()
			require.Equal(w, []int{50, 5000}, []int{calls, read})
		},
		"BacklogIsReadFromItsOldEnd": func(w *world) {
			store := w.polling()
			ids := w.pushed(3000)
			go func() {
				for batch := range slices.Chunk(ids, 30) {
					time.Sleep(20 * time.Millisecond)
					w.end(task.Done, batch...)
				}
			}()
			for _, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err)
			}
			_, read := store.count()
			require.Less(w, read, 2*len(ids), "not each waiting task again and again")
		},
		"OldestThatDoNotEndStarveNobody": func(w *world) {
			w.polling()
			ctx, cancel := context.WithCancel(w.Context())
			ids := w.pushed(1000)
			var left sync.WaitGroup
			left.Go(func() {
				for _, err := range w.client.WaitAll(ctx, ids) {
					require.ErrorIs(w, err, goflow.ErrNotFinished)
				}
			})
			synctest.Wait()
			late := w.pushed(2)
			done := w.waiting(w.Context(), late[0])
			time.Sleep(time.Hour)
			w.end(task.Done, late[0])
			got := <-done
			require.NoError(w, got.err)
			require.Less(w, got.took, time.Hour+30*time.Second, "its turn comes while nothing else ends")
			w.end(task.Done, late[1])
			require.Less(w, (<-w.waiting(w.Context(), late[1])).took, time.Second, "who is new is read soon")
			cancel()
			left.Wait()
		},
		"NobodyStarvesWhileNewWaitersCome": func(w *world) {
			w.polling()
			ctx, cancel := context.WithTimeout(w.Context(), 12*time.Second)
			var left sync.WaitGroup
			old := w.pushed(500)
			left.Go(func() {
				for _, err := range w.client.WaitAll(ctx, old) {
					require.ErrorIs(w, err, goflow.ErrNotFinished)
				}
			})
			synctest.Wait()
			id := w.pushed(1)[0]
			done := w.waiting(w.Context(), id)
			left.Go(func() {
				for ctx.Err() == nil {
					for _, id := range w.pushed(60) { //nolint:contextcheck // the world's own; more than have room in a round
						left.Go(func() { _, _ = w.client.Wait(ctx, id) })
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
			time.Sleep(2 * time.Second)
			w.end(task.Done, id)
			require.Less(w, (<-done).took, 10*time.Second)
			cancel()
			left.Wait()
		},
		"EndOfOneContextCostsTheOthersNothing": func(w *world) {
			store := w.polling()
			id := w.pushed(1)[0]
			ctx, cancel := context.WithCancel(w.Context())
			leaves, stays := w.waiting(ctx, id), w.waiting(w.Context(), id)
			time.Sleep(time.Minute)
			store.count()
			cancel()
			got := <-leaves
			require.ErrorIs(w, got.err, goflow.ErrNotFinished)
			require.ErrorIs(w, got.err, context.Canceled)
			time.Sleep(time.Minute)
			calls, _ := store.count()
			require.Equal(w, 12, calls)
			w.end(task.Done, id)
			require.NoError(w, (<-stays).err)
		},
		"NobodyReadsWhenNobodyWaits": func(w *world) {
			store := w.polling()
			ctx, cancel := context.WithTimeout(w.Context(), time.Second)
			defer cancel()
			require.ErrorIs(w, (<-w.waiting(ctx, w.pushed(1)[0])).err, goflow.ErrNotFinished)
			store.count()
			_, err := w.client.Wait(ctx, w.pushed(1)[0])
			require.ErrorIs(w, err, goflow.ErrNotFinished)
			time.Sleep(time.Hour)
			calls, _ := store.count()
			require.Zero(w, calls)
		},
		"ReadThatHangsEndsByItself": func(w *world) {
			store := w.polling()
			var hung atomic.Int64
			store.hook = func(ctx context.Context) error {
				if hung.Add(1) > 1 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			}
			id := w.pushed(1)[0]
			w.end(task.Done, id)
			require.NoError(w, (<-w.waiting(w.Context(), id)).err)
		},
		"OutageOfSecondsEndsNoWait": func(w *world) {
			store := w.polling()
			broken := time.Now().Add(8 * time.Second)
			store.hook = func(context.Context) error {
				if time.Now().Before(broken) {
					return port.ErrUnavailable
				}
				return nil
			}
			id := w.pushed(1)[0]
			w.end(task.Done, id)
			require.NoError(w, (<-w.waiting(w.Context(), id)).err)
		},
		"OutageThatLastsEndsTheWait": func(w *world) {
			store := w.polling()
			store.hook = func(context.Context) error { return port.ErrUnavailable }
			got := <-w.waiting(w.Context(), w.pushed(1)[0])
			require.ErrorIs(w, got.err, goflow.ErrUnavailable)
			require.InDelta(w, 11, got.took.Seconds(), 1)
			calls, _ := store.count()
			require.Less(w, calls, 12)
		},
		"RefusalEndsEverybodysWaitAtOnce": func(w *world) {
			store := w.polling()
			store.hook = func(context.Context) error { return port.ErrRefused }
			n := 0
			for _, err := range w.client.WaitAll(w.Context(), w.pushed(500)) {
				require.ErrorIs(w, err, goflow.ErrRefused)
				n++
			}
			require.Equal(w, 500, n)
			calls, _ := store.count()
			require.Equal(w, 1, calls)
		},
	})
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	eachInWorld(t, map[string]func(w *world){
		"FinalAnswerNeedsNoSecondRead": func(w *world) {
			store := w.polling()
			ids := w.pushed(3)
			w.end(task.Done, ids[0])
			w.end(task.Cancelled, ids[1])
			w.end(task.Expired, ids[2])
			for rec, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err, rec.ID)
			}
			store.count()
			for _, id := range ids {
				rec, err := w.client.Get(w.Context(), id)
				require.NoError(w, err)
				again, err := w.client.Wait(w.Context(), id)
				require.NoError(w, err)
				require.Equal(w, rec, again)
				require.True(w, rec.State.Terminal())
			}
			calls, _ := store.count()
			require.Zero(w, calls)
			time.Sleep(time.Minute)
			_, err := w.client.Get(w.Context(), ids[0])
			require.NoError(w, err)
			require.True(w, store.reads[0].fresh, "Get reads strongly")
			calls, _ = store.count()
			require.Equal(w, 1, calls, "not for ever")
		},
		"DeadTaskIsReadAgainAsItMayBeRedriven": func(w *world) {
			w.polling()
			id := w.pushed(1)[0]
			w.end(task.Dead, id)
			require.Equal(w, task.Dead, w.wait(id).State)
			require.NoError(w, w.records.Reopen(w.Context(), []port.Record{{ID: id, Generation: 1}}))
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, 2}, []any{rec.State, rec.Generation})
			done := w.waiting(w.Context(), id)
			require.NoError(w, w.records.Save(w.Context(), []port.Record{{ID: id, State: task.Done, Generation: 2}}))
			require.Equal(w, task.Done, (<-done).rec.State)
		},
		"RecordThatHasExpiredIsForgotten": func(w *world) {
			w.polling()
			id := w.pushed(1)[0]
			require.NoError(w, w.records.Save(w.Context(), []port.Record{{ID: id, State: task.Done, Generation: 1, Expires: time.Now().Add(10 * time.Second)}}))
			require.Equal(w, task.Done, w.wait(id).State)
			time.Sleep(11 * time.Second)
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, task.Unknown, rec.State)
		},
		"OnlySoManyAndOnlySmallOnes": func(w *world) {
			store := w.polling()
			ids := w.pushed(1002)
			require.NoError(w, w.records.Save(w.Context(), []port.Record{{ID: ids[1001], State: task.Done, Generation: 1, Result: make([]byte, 5000)}}))
			w.end(task.Done, ids[:1001]...)
			for rec, err := range w.client.WaitAll(w.Context(), ids) {
				require.NoError(w, err, rec.ID)
			}
			store.count()
			for _, id := range []string{ids[0], ids[1001]} {
				_, err := w.client.Get(w.Context(), id)
				require.NoError(w, err)
			}
			calls, _ := store.count()
			require.Equal(w, 2, calls)
		},
	})
}
