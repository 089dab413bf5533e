package goflow_test

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// manyQueues is a world with two more queues, and a client that knows them.
type manyQueues struct {
	*world
	mail, video *memory.Broker
	mailDead    *memory.Broker
	queues      goflow.QueuesOption
}

func inQueues(t *testing.T, f func(q *manyQueues)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.Helper()
		made := func() *memory.Broker {
			return memory.NewBroker(memory.Lease(testLease), memory.PollWait(testPoll))
		}
		q := &manyQueues{world: w, mail: made(), video: made(), mailDead: made()}
		q.queues = goflow.Queues(
			goflow.Queue{Name: "mail", Broker: q.mail, DeadLetters: q.mailDead},
			goflow.Queue{Name: "video", Broker: q.video},
		)
		var err error
		q.client, err = goflow.NewClient(w.queue, w.records, q.queues)
		require.NoError(w, err)
		f(q)
	})
}

func TestQueues(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(q *manyQueues){
		"TaskGoesWhereItsJobOrItsPushSays": func(q *manyQueues) {
			send := goflow.NewJob[int, int]("send", goflow.OnQueue("mail"))
			for _, opts := range [][]goflow.PushOption{nil, {goflow.OnQueue("video")}} {
				_, err := send.Push(q.Context(), q.client, 1, opts...)
				require.NoError(q, err)
			}
			q.push("other", 1)
			for _, b := range []*memory.Broker{q.mail, q.video, q.queue} {
				size, err := b.Size(q.Context())
				require.NoError(q, err)
				require.Equal(q, port.Size{Waiting: 1}, size)
			}
		},
		"OneWorkerRunsThemAll": func(q *manyQueues) {
			goflow.NewJob[string, string]("echo").Handle(q.mux, echo)
			stop := q.start(q.queues)
			for _, opts := range [][]goflow.PushOption{nil, {goflow.OnQueue("mail")}, {goflow.OnQueue("video")}} {
				begin := time.Now()
				require.Equal(q, task.Done, q.wait(q.push("echo", "x", opts...)).State)
				require.Less(q, time.Since(begin), time.Second, "no poll of another queue holds it up")
			}
			require.NoError(q, stop())
		},
		"RetryAndDeadLetterStayWithTheirQueue": func(q *manyQueues) {
			goflow.NewJob[int, int]("fail", goflow.MaxAttempts(2)).Handle(q.mux, func(context.Context, int) (int, error) {
				return 0, errStep
			})
			stop := q.start(q.queues)
			id := q.push("fail", 1, goflow.OnQueue("mail"))
			require.Equal(q, 2, q.wait(id).Attempts)
			other := q.push("fail", 1, goflow.OnQueue("video"))
			q.wait(other)
			require.NoError(q, stop())
			require.Contains(q, q.receive(q.mailDead).Attributes["goflow-dead"], id)
			require.Contains(q, q.receive(q.dead).Attributes["goflow-dead"], other, "the worker's own, where the queue has none")
			q.requireEmpty(q.mail)
			q.requireEmpty(q.queue)
		},
		"BusyQueueLeavesASlotToTheOthers": func(q *manyQueues) {
			goflow.NewJob[time.Duration, int]("rest").Handle(q.mux, func(_ context.Context, d time.Duration) (int, error) {
				time.Sleep(d)
				return 0, nil
			})
			for range 40 {
				q.push("rest", time.Minute)
			}
			stop := q.start(q.queues, goflow.Concurrency(4), goflow.Drain(time.Hour))
			time.Sleep(time.Minute / 2)
			for _, name := range []string{"mail", "video", "mail"} {
				begin := time.Now()
				q.wait(q.push("rest", time.Second, goflow.OnQueue(name)))
				require.Less(q, time.Since(begin), 2*time.Second, name)
			}
			require.NoError(q, stop())
		},
		"QueuesShareTheSlots":               queuesShareTheSlots,
		"IdleQueuesKeepOneSlotEach":         busyBesideIdle,
		"IdleQueueCostsOneRequestAPollWait": idleQueues,
		"QueueThatFailsHoldsUpNoOther": func(q *manyQueues) {
			goflow.NewJob[string, string]("echo").Handle(q.mux, echo)
			failing := &faultyBroker{Broker: q.mail, before: func(string) error { return port.ErrUnavailable }}
			stop := q.start(goflow.Queues(goflow.Queue{Name: "mail", Broker: failing}))
			time.Sleep(time.Minute)
			begin := time.Now()
			q.wait(q.push("echo", "x"))
			require.Less(q, time.Since(begin), time.Second)
			require.Less(q, failing.count("receive"), 10)
			require.NoError(q, stop())
		},
		"GroupKeepsItsOrderBesideOtherQueues": func(q *manyQueues) {
			ordered := memory.NewBroker(memory.Ordered(), memory.Lease(testLease), memory.PollWait(testPoll))
			orderedDead := memory.NewBroker(memory.Ordered())
			queues := goflow.Queues(goflow.Queue{Name: "steps", Broker: ordered, DeadLetters: orderedDead})
			var err error
			q.client, err = goflow.NewClient(q.queue, q.records, queues)
			require.NoError(q, err)
			s := newSteps(q.world, func(context.Context, string) error { time.Sleep(time.Second); return nil })
			for _, name := range []string{"a1", "a2", "a3"} {
				s.ids = append(s.ids, q.push("step", name, goflow.OnQueue("steps"), goflow.Group("a")))
			}
			stop := q.start(queues)
			q.wait(s.ids[2])
			require.NoError(q, stop())
			require.Equal(q, []string{"a1", "a2", "a3"}, s.of("a"))
		},
		"ClosedBrokersEndTheWorker": func(q *manyQueues) {
			goflow.NewJob[string, string]("echo").Handle(q.mux, echo)
			worker := q.newWorker(q.queues)
			id := q.push("echo", "x", goflow.OnQueue("video"))
			for _, b := range []*memory.Broker{q.queue, q.mail, q.video} {
				b.Close()
			}
			require.NoError(q, worker.Run(q.Context()))
			require.Equal(q, task.Done, q.wait(id).State)
		},
		"ClosedQueueLeavesItsSlot": func(q *manyQueues) {
			goflow.NewJob[int, int]("rest").Handle(q.mux, func(context.Context, int) (int, error) {
				time.Sleep(time.Minute)
				return 0, nil
			})
			var ids []string
			for range 6 {
				ids = append(ids, q.push("rest", 1))
			}
			q.mail.Close()
			q.video.Close()
			stop, begin := q.start(q.queues, goflow.Concurrency(3)), time.Now()
			for _, id := range ids {
				q.wait(id)
			}
			require.NoError(q, stop())
			require.Less(q, time.Since(begin), 150*time.Second, "three at a time")
		},
		"LastReceiveIsThatOfTheSlowest": func(q *manyQueues) {
			failing := &faultyBroker{Broker: q.mail, before: func(string) error { return port.ErrUnavailable }}
			worker := q.newWorker(goflow.Queues(goflow.Queue{Name: "mail", Broker: failing}))
			ctx, cancel := context.WithCancel(q.Context())
			ended := make(chan error, 1)
			go func() { ended <- worker.Run(ctx) }()
			time.Sleep(time.Minute)
			require.Zero(q, worker.LastReceive())
			cancel()
			require.NoError(q, <-ended)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inQueues(t, subtest)
		})
	}
}

// queuesShareTheSlots has more work in two queues than there are slots: all slots
// are used, never more, and both queues get about half.
func queuesShareTheSlots(q *manyQueues) {
	var running, most atomic.Int64
	var mu sync.Mutex
	done := map[string]int{}
	goflow.NewJob[string, int]("rest").Handle(q.mux, func(_ context.Context, queue string) (int, error) {
		if now := running.Add(1); now > most.Load() {
			most.Store(now)
		}
		time.Sleep(time.Second)
		running.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		done[queue]++
		return 0, nil
	})
	for range 400 {
		q.push("rest", "own")
		q.push("rest", "mail", goflow.OnQueue("mail"))
	}
	stop := q.start(q.queues, goflow.Concurrency(9))
	time.Sleep(60 * time.Second)
	mu.Lock()
	own, mail := done["own"], done["mail"]
	mu.Unlock()
	require.NoError(q, stop())
	require.EqualValues(q, 8, most.Load(), "one slot waits for the third queue")
	require.InDelta(q, own, mail, 24)
	require.Greater(q, own+mail, 8*60*8/10)
}

// busyBesideIdle: much comes to one queue while the others wait for their first message,
// whose polls have begun before.
func busyBesideIdle(q *manyQueues) {
	const slots, tasks = 9, 70
	q.sleeping("rest", time.Second)
	stop := q.start(q.queues, goflow.Concurrency(slots))
	time.Sleep(time.Second)
	begin := time.Now()
	var ids []string
	for range tasks {
		ids = append(ids, q.push("rest", 1, goflow.OnQueue("mail")))
	}
	q.waitAll(ids)
	took := time.Since(begin)
	require.NoError(q, stop())
	require.Less(q, took, testPoll*3/4, "with two slots less it takes ten seconds")
}

// idleQueues counts what a worker of three idle queues asks in an hour.
func idleQueues(q *manyQueues) {
	var brokers []*faultyBroker
	for _, b := range []*memory.Broker{q.queue, q.mail, q.video} {
		brokers = append(brokers, &faultyBroker{Broker: b})
	}
	q.broker = brokers[0]
	stop := q.start(goflow.Queues(goflow.Queue{Name: "mail", Broker: brokers[1]}, goflow.Queue{Name: "video", Broker: brokers[2]}))
	time.Sleep(time.Hour - time.Second)
	synctest.Wait()
	for _, b := range brokers {
		require.Equal(q, int(time.Hour/testPoll), b.count("receive"))
		require.Zero(q, b.count("extend"))
	}
	require.NoError(q, stop())
}

func TestQueuesAreCheckedWhereTheyAreGiven(t *testing.T) {
	t.Parallel()
	b, s, m := memory.NewBroker(), memory.NewStore(), goflow.NewMux()
	for want, queues := range map[string][]goflow.Queue{
		`Queues(""): give 1 to 128`:           {{Broker: b}},
		`Queues("a b"): give 1 to 128`:        {{Name: "a b", Broker: b}},
		`Queues: queue "mail" has no broker`:  {{Name: "mail"}},
		`Queues: queue "mail" is given twice`: {{Name: "mail", Broker: b}, {Name: "mail", Broker: b}},
	} {
		_, err := goflow.NewClient(b, s, goflow.Queues(queues...))
		require.ErrorContains(t, err, want)
		_, err = goflow.NewWorker(b, s, m, goflow.Queues(queues...), goflow.NoDeadLetters())
		require.ErrorIs(t, err, goflow.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	mail := goflow.Queues(goflow.Queue{Name: "mail", Broker: b})
	_, err := goflow.NewWorker(b, s, m, mail, goflow.NoDeadLetters(), goflow.Concurrency(1))
	require.ErrorContains(t, err, "Concurrency(1): give at least 2, one slot for each queue")
	_, err = goflow.NewBatchWorker(b, s, m, mail, goflow.NoDeadLetters())
	require.ErrorContains(t, err, "Queues: only a Client and a Worker have further queues")

	for want, opts := range map[string][]goflow.ClientOption{
		`queue "mial": this client knows no queue but its own`:   nil,
		`queue "mial": this client knows its own and mail: name`: {mail},
	} {
		client, err := goflow.NewClient(b, s, opts...)
		require.NoError(t, err)
		_, err = client.Push(t.Context(), "t", []byte("1"), goflow.OnQueue("mial"))
		require.ErrorIs(t, err, goflow.ErrInvalid)
		require.ErrorContains(t, err, want)
		_, err = client.Push(t.Context(), "t", []byte("1"), goflow.OnQueue(""))
		require.ErrorContains(t, err, `OnQueue(""): give 1 to 128`)
	}
	require.PanicsWithValue(t, `goflow: invalid option OnQueue("a b"): give 1 to 128 of A-Z a-z 0-9 . _ : -`, func() {
		goflow.NewJob[int, int]("t", goflow.OnQueue("a b"))
	})
}

// Several queues in the program itself have no slots of their own each, and no groups.
func TestQueuesInProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second, records, mux := memory.NewLocalBroker(10), memory.NewLocalBroker(10), memory.NewLocalStore(), goflow.NewMux()
		more := goflow.Queues(goflow.Queue{Name: "more", Broker: second})
		goflow.NewJob[int, int]("t").Handle(mux, func(_ context.Context, n int) (int, error) { return n, nil })
		client, err := goflow.NewClient(first, records, more)
		require.NoError(t, err)
		worker, err := goflow.NewWorker(first, records, mux, goflow.NoDeadLetters(), more)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- worker.Run(ctx) }()
		for _, opts := range [][]goflow.PushOption{nil, {goflow.OnQueue("more")}} {
			id, err := client.Push(t.Context(), "t", json.RawMessage("1"), opts...)
			require.NoError(t, err)
			rec, err := client.Wait(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, task.Done, rec.State)
		}
		stop()
		require.NoError(t, <-ended)
		for _, b := range []*memory.LocalBroker{first, second} {
			size, err := b.Size(t.Context())
			require.NoError(t, err)
			require.Zero(t, size)
		}
	})
}
