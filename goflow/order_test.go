package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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

var errStep = errors.New("the step failed")

// steps notes the runs of tasks whose payload is their name and whose group is its
// first letter.
type steps struct {
	*world
	mu      sync.Mutex
	ran     []string
	running map[string]string // by group
	ids     []string
}

// newSteps registers the handler: do is what a run does.
func newSteps(w *world, do func(ctx context.Context, name string) error, opts ...goflow.JobOption) *steps {
	s := &steps{world: w, running: map[string]string{}}
	goflow.NewJob[string, string]("step", opts...).Handle(w.mux, func(ctx context.Context, name string) (string, error) {
		s.mu.Lock()
		s.ran = append(s.ran, name)
		if other := s.running[name[:1]]; other != "" {
			w.Errorf("%s ran beside %s", name, other)
		}
		s.running[name[:1]] = name
		s.mu.Unlock()
		err := do(ctx, name)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running[name[:1]] = ""
		return name, err
	})
	return s
}

func (s *steps) push(names ...string) {
	s.Helper()
	for _, name := range names {
		s.ids = append(s.ids, s.world.push("step", name, goflow.Group(name[:1])))
	}
}

// of returns the runs of a group.
func (s *steps) of(group string) (own []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.ran {
		if name[:1] == group {
			own = append(own, name)
		}
	}
	return own
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"GroupRunsInItsOrderAndGroupsBesideEachOther": func(w *world) {
			s := newSteps(w, func(context.Context, string) error { time.Sleep(time.Second); return nil })
			var a, b []string
			for n := range 12 {
				a, b = append(a, fmt.Sprintf("a%02d", n)), append(b, fmt.Sprintf("b%02d", n))
				s.push(a[n], b[n])
			}
			stop := w.start()
			begin := time.Now()
			for _, id := range s.ids {
				w.wait(id)
			}
			require.Less(w, time.Since(begin), 14*time.Second, "both groups at once")
			require.NoError(w, stop())
			require.Equal(w, a, s.of("a"))
			require.Equal(w, b, s.of("b"))
			w.requireEmpty(w.queue)
		},
		"RetryHoldsUpItsGroupAndNoOther": func(w *world) {
			fails := 3
			s := newSteps(w, func(_ context.Context, name string) error {
				if name == "a2" && fails > 0 {
					fails--
					return goflow.RetryAfter(10*time.Second, errStep)
				}
				return nil
			}, goflow.MaxAttempts(4))
			s.push("a1", "a2", "a3", "a4", "b1", "b2")
			stop, begin := w.start(), time.Now()
			w.wait(s.ids[5])
			require.Less(w, time.Since(begin), time.Second, "another group")
			require.Equal(w, task.Done, w.wait(s.ids[3]).State)
			require.InDelta(w, 30, time.Since(begin).Seconds(), 2)
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a2", "a2", "a2", "a2", "a3", "a4"}, s.of("a"))
			require.Zero(w, w.wait(s.ids[3]).Attempts, "to be given back is no attempt")
			w.requireEmpty(w.queue)
		},
		"DeadHeadLetsItsGroupGoOn": func(w *world) {
			s := newSteps(w, func(_ context.Context, name string) error {
				if name == "a1" {
					return errStep
				}
				return nil
			}, goflow.MaxAttempts(2))
			s.push("a1", "a2")
			stop := w.start()
			require.Equal(w, task.Done, w.wait(s.ids[1]).State)
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a1", "a2"}, s.of("a"))
			d, note := w.deadLetter()
			require.Equal(w, "a", d.Group)
			require.Equal(w, s.ids[0], note["id"])
		},
		"SecondDeathIsNoCopyOfTheFirst": func(w *world) {
			s := newSteps(w, func(context.Context, string) error { return errStep }, goflow.MaxAttempts(1))
			s.push("a1")
			p := w.newProcessor()
			w.process(p, w.receive(w.queue))
			first, _ := w.deadLetter()
			redriven := port.Message{ID: s.ids[0] + ".1", Body: first.Body, Attributes: first.Attributes, Group: first.Group}
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{redriven}))
			w.process(p, w.receive(w.queue))
			_, note := w.deadLetter()
			require.InDelta(w, 2, note["generation"], 0)
		},
		"LostLeaseStopsItsGroup": func(w *world) {
			var cut atomic.Bool
			cut.Store(true)
			w.broker = &faultyBroker{Broker: w.queue, before: func(method string) error {
				if cut.Load() && method == "extend" {
					return port.ErrUnavailable
				}
				return nil
			}}
			var causes []error
			s := newSteps(w, func(ctx context.Context, name string) error {
				if name == "a1" && cut.Load() {
					<-ctx.Done()
					cut.Store(false)
					causes = append(causes, context.Cause(ctx))
					return errStep
				}
				return nil
			})
			s.push("a1", "a2", "a3")
			stop := w.start()
			w.wait(s.ids[2])
			require.NoError(w, stop())
			require.Equal(w, []error{goflow.ErrLeaseLost}, causes)
			require.Equal(w, []string{"a1", "a1", "a2", "a3"}, s.of("a"))
			w.requireEmpty(w.queue)
		},
		"HeadThatIsLostAloneStopsItsGroup": func(w *world) {
			w.broker = &losingBroker{faultyBroker: faultyBroker{Broker: w.queue}, lost: "a1"}
			s := newSteps(w, func(ctx context.Context, _ string) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(testLease * 2 / 3): // the head is extended once, for the first time only
					return nil
				}
			})
			s.push("a1", "a2", "a3")
			stop := w.start()
			w.wait(s.ids[2])
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a1", "a2", "a3"}, s.of("a"))
			w.requireEmpty(w.queue)
		},
		"LongGroupKeepsItsLeases": func(w *world) {
			s := newSteps(w, func(context.Context, string) error { time.Sleep(testLease - time.Second); return nil })
			var want []string
			for n := range 10 {
				want = append(want, fmt.Sprintf("a%d", n))
			}
			s.push(want...)
			stopOne, stopTwo := w.start(), w.start()
			w.wait(s.ids[9])
			require.NoError(w, stopOne())
			require.NoError(w, stopTwo())
			require.Equal(w, want, s.of("a"))
			w.requireEmpty(w.queue)
		},
		"TaskWhoseLeaseIsLostWhileItWaitsIsNotRun": func(w *world) {
			w.broker = &losingBroker{faultyBroker: faultyBroker{Broker: w.queue}, lost: "a2"}
			s := newSteps(w, func(context.Context, string) error { time.Sleep(testLease * 2 / 3); return nil })
			s.push("a1", "a2", "a3")
			stop := w.start()
			w.wait(s.ids[2])
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a2", "a3"}, s.of("a"), "without a run that was cut off at once")
		},
		"GroupsStayWithinTheConcurrency": func(w *world) {
			var running, most atomic.Int64
			s := newSteps(w, func(context.Context, string) error {
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				return nil
			})
			for _, group := range []string{"a", "b", "c", "d", "e", "f"} {
				s.push(group+"1", group+"2", group+"3")
			}
			stop := w.start(goflow.Concurrency(2))
			for _, id := range s.ids {
				w.wait(id)
			}
			require.NoError(w, stop())
			require.EqualValues(w, 2, most.Load())
		},
		"PauseIsShorterByWhatTheTaskWaitedForItsHead": func(w *world) {
			var retried []time.Time
			s := newSteps(w, func(_ context.Context, name string) error {
				if name == "a1" {
					time.Sleep(2 * time.Hour)
					return nil
				}
				if retried = append(retried, time.Now()); len(retried) == 1 {
					return goflow.RetryAfter(11*time.Hour, errStep)
				}
				return nil
			}, goflow.Timeout(3*time.Hour))
			s.push("a1", "a2")
			stop := w.start()
			require.Equal(w, task.Done, w.wait(s.ids[1]).State)
			require.NoError(w, stop())
			require.InDelta(w, 9, retried[1].Sub(retried[0]).Hours(), 0.1, "a lease lasts 12 hours from the receive on")
		},
		"StopGivesBackWhatIsBehindTheHead": func(w *world) {
			s := newSteps(w, func(context.Context, string) error { time.Sleep(5 * time.Second); return nil })
			s.push("a1", "a2", "a3")
			stop := w.start()
			time.Sleep(time.Second)
			require.NoError(w, stop())
			require.Equal(w, []string{"a1"}, s.of("a"))
			size, err := w.queue.Size(w.Context())
			require.NoError(w, err)
			require.Equal(w, port.Size{Waiting: 2}, size)
		},
		"ResultThatIsNotStoredStopsItsGroup": func(w *world) {
			var down atomic.Bool
			down.Store(true)
			w.store = &faultyStore{Store: w.records, before: func(method string) error {
				if down.Load() && method == "save" {
					return port.ErrUnavailable
				}
				return nil
			}}
			s := newSteps(w, func(context.Context, string) error { return nil })
			s.push("a1", "a2")
			stop := w.start()
			time.Sleep(testLease - time.Second)
			require.Equal(w, []string{"a1"}, s.of("a"))
			down.Store(false)
			w.wait(s.ids[1])
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a1", "a2"}, s.of("a"))
		},
		"MessageThatIsNotDeletedStopsItsGroup": func(w *world) {
			refused := 0
			w.broker = &faultyBroker{Broker: w.queue, before: func(method string) error {
				if method == "ack" && refused < 4 { // the call and its repeats
					refused++
					return port.ErrUnavailable
				}
				return nil
			}}
			s := newSteps(w, func(context.Context, string) error { return nil })
			s.push("a1", "a2")
			begin := time.Now()
			stop := w.start()
			w.wait(s.ids[1])
			require.GreaterOrEqual(w, time.Since(begin), testLease-5*time.Second)
			require.NoError(w, stop())
			require.Equal(w, []string{"a1", "a2"}, s.of("a"), "what is stored is not run again")
			w.requireEmpty(w.queue)
		},
		"ExtensionUnderWayDoesNotUndoThePause": func(w *world) {
			w.broker = slowToKeep{w.queue}
			var runs []time.Time
			s := newSteps(w, func(context.Context, string) error {
				runs = append(runs, time.Now())
				if len(runs) == 1 {
					time.Sleep(testLease/2 + time.Second) // it is being extended then
					return goflow.RetryAfter(10*time.Second, errStep)
				}
				return nil
			})
			s.push("a1")
			stop := w.start()
			w.wait(s.ids[0])
			require.NoError(w, stop())
			require.Less(w, runs[1].Sub(runs[0]), testLease/2+15*time.Second)
		},
		"LongGroupTakesOneSlot": func(w *world) {
			s := newSteps(w, func(context.Context, string) error { time.Sleep(time.Minute); return nil })
			s.push("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b1")
			stop := w.start(goflow.Concurrency(2), goflow.Drain(time.Hour))
			time.Sleep(time.Second)
			require.Equal(w, []string{"b1"}, s.of("b"))
			require.NoError(w, stop())
		},
		"OrderHoldsWhateverFails": orderHoldsWhateverFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest, memory.Ordered())
		})
	}
}

// slowToKeep takes some seconds to extend a lease by its whole length.
type slowToKeep struct{ *memory.Broker }

func (b slowToKeep) Extend(ctx context.Context, leases []port.Lease) error {
	if leases[0].For == testLease {
		time.Sleep(4 * time.Second)
	}
	return b.Broker.Extend(ctx, leases)
}

// losingBroker says once that the lease of one message is lost, and goes on with
// the others.
type losingBroker struct {
	faultyBroker
	lost string
}

func (b *losingBroker) Extend(ctx context.Context, leases []port.Lease) error {
	for i, l := range leases {
		if b.lost == "" || !strings.Contains(string(l.Delivery.Body), strconv.Quote(b.lost)) {
			continue
		}
		b.lost = ""
		if rest := slices.Delete(slices.Clone(leases), i, i+1); len(rest) > 0 {
			if err := b.faultyBroker.Extend(ctx, rest); err != nil {
				return err
			}
		}
		return port.ItemErrors{i: port.ErrLeaseLost}
	}
	return b.faultyBroker.Extend(ctx, leases)
}

// orderHoldsWhateverFails lets tasks of five groups fail, time out and die while
// three workers come and go: a task runs only when those before it are over.
func orderHoldsWhateverFails(w *world) {
	seed := rand.Uint64()
	w.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n)
	}
	s := newSteps(w, func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(roll(40)) * time.Second):
		}
		if roll(3) == 0 {
			return errStep
		}
		return nil
	}, goflow.MaxAttempts(3), goflow.Timeout(35*time.Second), goflow.Backoff(time.Second, time.Minute))
	for n := range 15 {
		for _, group := range []string{"a", "b", "c", "d", "e"} {
			s.push(fmt.Sprintf("%s%02d", group, n))
		}
	}
	var stops []func() error
	for range 3 {
		stops = append(stops, w.start(goflow.Drain(time.Second)))
	}
	for range 10 {
		time.Sleep(time.Duration(roll(60)) * time.Second)
		err := stops[0]()
		if abandoned := (*goflow.AbandonedError)(nil); !errors.As(err, &abandoned) {
			require.NoError(w, err)
		}
		stops = append(stops[1:], w.start(goflow.Drain(time.Second)))
	}
	for _, id := range s.ids {
		w.wait(id)
	}
	for _, stop := range stops {
		require.NoError(w, stop())
	}
	for _, group := range []string{"a", "b", "c", "d", "e"} {
		ran := s.of(group)
		require.True(w, slices.IsSorted(ran), "group %s ran as %s", group, strings.Join(ran, " "))
	}
	w.requireEmpty(w.queue)
}

func TestQueueAndDeadLettersAreOfOneKind(t *testing.T) {
	t.Parallel()
	standard, ordered := memory.NewBroker(), memory.NewBroker(memory.Ordered())
	for want, queues := range map[string][3]*memory.Broker{
		"only the first keeps order":  {ordered, standard, memory.NewBroker()},
		"only the second keeps order": {standard, ordered, memory.NewBroker(memory.Ordered())},
	} {
		dead := goflow.DeadLetters(queues[1])
		_, pool := goflow.NewWorker(queues[0], memory.NewStore(), goflow.NewMux(), dead)
		_, function := goflow.NewBatchWorker(queues[0], memory.NewStore(), goflow.NewMux(), dead)
		_, second := goflow.NewWorker(queues[2], memory.NewStore(), goflow.NewMux(), dead,
			goflow.Queues(goflow.Queue{Name: "second", Broker: queues[0]}))
		for _, err := range []error{pool, function, second} {
			require.ErrorIs(t, err, goflow.ErrInvalid)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestGroupsAreCheckedWhereTheyAreGiven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ordered bool
		opts    []goflow.PushOption
		want    string
	}{
		"order on a queue without":  {false, []goflow.PushOption{goflow.Group("g")}, `Group("g"): this queue keeps no order`},
		"fairness on one with":      {true, []goflow.PushOption{goflow.FairKey("k")}, `FairKey("k"): this queue keeps order`},
		"both":                      {true, []goflow.PushOption{goflow.Group("g"), goflow.FairKey("k")}, `FairKey("k")`},
		"a delay on one with":       {true, []goflow.PushOption{goflow.Delay(time.Second)}, "Delay(1s): this queue keeps order"},
		"no name":                   {true, []goflow.PushOption{goflow.Group("")}, `Group(""): give 1 to 128`},
		"a blank":                   {true, []goflow.PushOption{goflow.Group("a b")}, `Group("a b"): give 1 to 128 visible`},
		"an umlaut":                 {false, []goflow.PushOption{goflow.FairKey("ä")}, `FairKey("ä"): give 1 to 128`},
		"a name that is too long":   {true, []goflow.PushOption{goflow.Group(strings.Repeat("g", 129))}, "give 1 to 128"},
		"the longest":               {true, []goflow.PushOption{goflow.Group(strings.Repeat("~", 128))}, ""},
		"fairness on one without":   {false, []goflow.PushOption{goflow.FairKey("tenant-17")}, ""},
		"no delay is no delay":      {true, []goflow.PushOption{goflow.Delay(0)}, ""},
		"neither, on one that does": {true, nil, ""},
	} {
		var opts []memory.BrokerOption
		if c.ordered {
			opts = append(opts, memory.Ordered())
		}
		b := memory.NewBroker(opts...)
		client, err := goflow.NewClient(b, memory.NewStore())
		require.NoError(t, err)
		_, err = client.Push(t.Context(), "t", []byte("1"), c.opts...)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, goflow.ErrInvalid, name)
		require.ErrorContains(t, err, c.want, name)
		size, err := b.Size(t.Context())
		require.NoError(t, err)
		require.Zero(t, size, name)
	}
}

// Tasks of a group that were pushed together must not overtake one that could not
// be sent.
func TestNoTaskOvertakesOneThatWasNotSent(t *testing.T) {
	t.Parallel()
	for _, group := range []string{"g", ""} {
		inWorld(t, func(w *world) {
			sends := 0
			down := &faultyBroker{Broker: w.queue, before: func(string) error {
				if sends++; sends == 2 {
					return port.ErrRefused
				}
				return nil
			}}
			client, err := goflow.NewClient(down, w.records)
			require.NoError(w, err)
			tasks := make([]task.Task, 30)
			for i := range tasks {
				tasks[i] = task.Task{Type: "t", Payload: i}
			}
			opts, unsent := []goflow.PushOption{}, 10
			if group != "" {
				opts, unsent = append(opts, goflow.Group(group)), 20
			}
			_, err = client.PushMany(w.Context(), tasks, opts...)
			failed, ok := errors.AsType[port.ItemErrors](err)
			require.True(w, ok)
			require.Len(w, failed, unsent)
			require.ErrorIs(w, failed[10], port.ErrRefused)
			if group != "" {
				require.ErrorIs(w, failed[29], port.ErrUnavailable)
			}
		}, memory.Ordered())
	}
}
