package goflow_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// distantBroker is one whose answers take a while.
type distantBroker struct {
	*memory.Broker
	away time.Duration

	mu       sync.Mutex
	receives []int // messages that each brought
	polling  int   // receives under way
	most     int   // of those
}

func (b *distantBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	b.mu.Lock()
	b.polling++
	b.most = max(b.most, b.polling)
	b.mu.Unlock()
	time.Sleep(b.away)
	n, err := b.Broker.Receive(ctx, into)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.polling--
	b.receives = append(b.receives, n)
	return n, err
}

// brought counts the receives that brought something.
func (b *distantBroker) brought() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, messages := range b.receives {
		if messages > 0 {
			n++
		}
	}
	return n
}

func (b *distantBroker) underWay() (now, most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.polling, b.most
}

// sleeping registers a job that takes so long.
func (w *world) sleeping(name string, d time.Duration) {
	w.Helper()
	goflow.NewJob[int, int](name, goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, n int) (int, error) {
		return n, sleepFor(ctx, d)
	})
}

func (w *world) waitAll(ids []string) {
	w.Helper()
	for rec, err := range w.client.WaitAll(w.Context(), ids) {
		require.NoError(w, err)
		require.Equal(w, task.Done, rec.State)
	}
}

// What a worker receives before it has a slot for it.
func TestReceivedAhead(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"FewSlotsReceiveInTens": func(w *world) {
			w.sleeping("short", time.Second)
			broker := &distantBroker{Broker: w.queue, away: 10 * time.Millisecond}
			w.broker = broker
			ids := w.pushedAs("short", 100)
			stop := w.start(goflow.Concurrency(3))
			w.waitAll(ids)
			require.NoError(w, stop())
			require.LessOrEqual(w, broker.brought(), 12, "receives of 100 messages")
		},
		"QuickTasksWaitForNoReceive": func(w *world) {
			w.sleeping("quick", 10*time.Millisecond)
			w.broker = &distantBroker{Broker: w.queue, away: 10 * time.Millisecond}
			ids := w.pushedAs("quick", 500)
			begin := time.Now()
			stop := w.start(goflow.Concurrency(5))
			w.waitAll(ids)
			require.NoError(w, stop())
			require.Less(w, time.Since(begin), 1500*time.Millisecond, "500 tasks of 10 ms, five at a time")
		},
		"SlowTaskHoldsUpNoneOfItsBatch": func(w *world) {
			w.sleeping("slow", time.Minute)
			w.sleeping("quick", time.Millisecond)
			slow := w.pushedAs("slow", 1)
			quick := w.pushedAs("quick", 9)
			begin := time.Now()
			stop := w.start(goflow.Concurrency(2))
			w.waitAll(quick)
			require.Less(w, time.Since(begin), time.Second)
			w.waitAll(slow)
			require.NoError(w, stop())
		},
		"WhatFindsNoSlotGoesBackAfterHalfALease": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			w.sleeping("long", 10*testLease)
			var ran []time.Time
			goflow.NewJob[int, int]("other").Handle(w.mux, func(_ context.Context, n int) (int, error) {
				ran = append(ran, time.Now())
				return n, nil
			})
			stop := w.start(goflow.Concurrency(1))
			w.waitAll(w.pushedAs("quick", 1)) // so that slots seem to be free soon
			long := w.pushedAs("long", 1)
			time.Sleep(time.Second)
			begin, others := time.Now(), w.pushedAs("other", 5)
			time.Sleep(time.Second)
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, port.Size{Leased: 6}, size, "they wait here")
			stopOther := w.start(goflow.Concurrency(1))
			w.waitAll(others)
			require.NoError(w, stopOther())
			require.LessOrEqual(w, ran[0].Sub(begin), testLease/2+2*time.Second, "another worker runs them")
			w.pushedAs("other", 5)
			time.Sleep(time.Second)
			size, err = w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, port.Size{Leased: 1, Waiting: 5}, size, "and no more are received ahead")
			w.waitAll(long)
			require.NoError(w, stop())
		},
		"LongTasksAreNotReceivedAhead": func(w *world) {
			w.sleeping("long", testLease/2)
			ids := w.pushedAs("long", 8)
			stop := w.start(goflow.Concurrency(1))
			for range 4 {
				time.Sleep(testLease)
				size, err := w.queue.Size(w.Context())
				require.NoError(w, err)
				require.LessOrEqual(w, size.Leased, 1)
			}
			w.waitAll(ids)
			require.NoError(w, stop())
		},
		"InnocentTasksWithOneAttemptStaySo": func(w *world) {
			w.sleeping("long", 3*testLease)
			ids := make([]string, 80)
			for i := range ids {
				ids[i] = w.push("long", 1, goflow.MaxAttempts(1))
			}
			begin := time.Now()
			stop := w.start(goflow.Concurrency(10))
			w.waitAll(ids)
			require.Less(w, time.Since(begin), 25*testLease, "ten at a time, and none alone as a suspect")
			require.NoError(w, stop())
		},
		"StopGivesBackAtOnceWhatWaits": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			w.sleeping("long", time.Hour)
			stop := w.start(goflow.Concurrency(1), goflow.Drain(testLease/4))
			w.waitAll(w.pushedAs("quick", 1))
			w.pushedAs("long", 8)
			time.Sleep(time.Second)
			ended := make(chan error, 1)
			go func() { ended <- stop() }()
			soon()
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, port.Size{Leased: 1, Waiting: 7}, size)
			require.Error(w, <-ended, "one is abandoned")
		},
		"DrainDoesNotWaitForTheReceiveUnderWay": func(w *world) {
			var ended time.Time
			goflow.NewJob[int, int]("long", goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				ended = time.Now()
				return 0, ctx.Err()
			})
			w.pushedAs("long", 1)
			w.broker = &patientBroker{w.queue}
			stop := w.start(goflow.Drain(time.Second))
			time.Sleep(time.Second)
			begin := time.Now()
			require.Error(w, stop(), "one is abandoned")
			require.InDelta(w, time.Second, ended.Sub(begin), float64(time.Millisecond))
		},
	})
}

// patientBroker is one whose receives are not cut off, as those of SQS.
type patientBroker struct{ *memory.Broker }

func (b *patientBroker) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	return b.Broker.Receive(context.WithoutCancel(ctx), into)
}

func TestNothingIsReceivedAheadInOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.sleeping("quick", time.Millisecond)
		w.sleeping("long", time.Hour)
		stop := w.start(goflow.Concurrency(1), goflow.Drain(0))
		w.wait(w.push("quick", 1)) // so that slots seem to be free soon
		for _, group := range []string{"a", "b", "c"} {
			w.push("long", 1, goflow.Group(group))
		}
		time.Sleep(time.Second)
		size, err := w.queue.Size(w.Context())
		require.NoError(w, err)
		require.Equal(w, port.Size{Leased: 1, Waiting: 2}, size)
		require.Error(w, stop(), "one is abandoned")
	}, memory.Ordered())
}

// How many receives are under way.
func TestPollers(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"GrowWhileReceivesAreFullAndShrinkAfterwards": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			broker := &distantBroker{Broker: w.queue, away: 10 * time.Millisecond}
			w.broker = broker
			ids := w.pushedAs("quick", 2000)
			begin := time.Now()
			stop := w.start(goflow.Concurrency(200))
			w.waitAll(ids)
			require.Less(w, time.Since(begin), time.Second, "one poller takes two seconds")
			_, most := broker.underWay()
			require.Greater(w, most, 4)
			require.LessOrEqual(w, most, 16)
			time.Sleep(2 * testPoll)
			now, _ := broker.underWay()
			require.Equal(w, 1, now, "one poller when idle")
			require.LessOrEqual(w, broker.brought(), 202)
			require.NoError(w, stop())
		},
		"OneIsEnoughForATrickle": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			broker := &distantBroker{Broker: w.queue, away: 10 * time.Millisecond}
			w.broker = broker
			stop := w.start(goflow.Concurrency(200))
			for range 50 {
				w.push("quick", 1)
				time.Sleep(20 * time.Millisecond)
			}
			_, most := broker.underWay()
			require.Equal(w, 1, most)
			require.NoError(w, stop())
		},
	})
}

// distantStore is one whose answers take a while.
type distantStore struct {
	port.Store
	away  time.Duration
	saved atomic.Int64
}

func (s *distantStore) Save(ctx context.Context, recs []port.Record) error {
	s.saved.Add(1)
	time.Sleep(s.away)
	return s.Store.Save(ctx, recs)
}

// What of many is called for together.
func TestTogether(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"PushesOfManyCallers": func(w *world) {
			broker := &faultyBroker{Broker: w.queue, before: func(string) error { time.Sleep(10 * time.Millisecond); return nil }}
			client, err := goflow.NewClient(broker, w.records)
			require.NoError(w, err)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					for range 10 {
						_, err := client.Push(w.Context(), "x", hello)
						require.NoError(w, err)
					}
				})
			}
			all.Wait()
			require.LessOrEqual(w, broker.count("send"), 105, "sends of 1000 messages")
		},
		"PushThatFailsFailsNoOther": func(w *world) {
			broker := &partialBroker{faultyBroker: faultyBroker{Broker: w.queue}, fails: func(msg port.Message) error {
				if string(msg.Body[len(msg.Body)-4:]) == `"x"}` {
					return port.ErrTooLarge
				}
				return nil
			}}
			client, err := goflow.NewClient(broker, w.records)
			require.NoError(w, err)
			var all sync.WaitGroup
			for n := range 20 {
				all.Go(func() {
					if n%3 == 0 {
						_, err := client.Push(w.Context(), "t", []byte(`"x"`))
						require.ErrorIs(w, err, goflow.ErrTooLarge)
						return
					}
					_, err := client.Push(w.Context(), "t", hello)
					require.NoError(w, err)
				})
			}
			all.Wait()
			require.LessOrEqual(w, broker.count("send"), 3)
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, port.Size{Waiting: 13}, size)
		},
		"SavesAndAcksOfAPool": func(w *world) {
			w.sleeping("quick", 10*time.Millisecond)
			store, broker := &distantStore{Store: w.records, away: 5 * time.Millisecond}, &faultyBroker{Broker: w.queue}
			w.store, w.broker = store, broker
			ids := w.pushedAs("quick", 1000)
			stop := w.start(goflow.Concurrency(100))
			w.waitAll(ids)
			require.NoError(w, stop())
			require.LessOrEqual(w, store.saved.Load(), int64(44), "saves of 1000 records")
			require.LessOrEqual(w, broker.count("ack"), 104, "acks of 1000 messages")
		},
		"OneTaskAtATimeWaitsForNothing": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			stop := w.start(goflow.Concurrency(100))
			for range 10 {
				begin, id := time.Now(), w.push("quick", 1)
				for rec := (port.Record{}); rec.State != task.Done; time.Sleep(10 * time.Microsecond) {
					recs, err := w.records.Load(w.Context(), []string{id}, true)
					require.NoError(w, err)
					rec = recs[0]
				}
				require.Less(w, time.Since(begin), 1100*time.Microsecond)
				soon()
				w.requireEmpty(w.queue)
			}
			require.NoError(w, stop())
		},
		"AcksThatLingerGoAtOnceWhenTheWorkerStops": func(w *world) {
			w.sleeping("quick", time.Millisecond)
			w.sleeping("long", time.Minute)
			w.pushedAs("long", 1)
			quick := w.pushedAs("quick", 3)
			stop := w.start(goflow.Drain(time.Second))
			time.Sleep(2 * time.Millisecond)
			for _, id := range quick {
				require.Equal(w, task.Unknown, w.state(id), "its record lingers")
			}
			ended := make(chan error, 1)
			go func() { ended <- stop() }()
			time.Sleep(5 * time.Millisecond)
			w.waitAll(quick)
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, 1, size.Waiting+size.Leased, "of the one that still runs")
			require.Error(w, <-ended, "it is abandoned")
		},
	})
}
