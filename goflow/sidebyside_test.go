package goflow_test

import (
	"context"
	"errors"
	"strings"
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

// lateSaves is a store whose first answer to a Save is long on its way.
type lateSaves struct {
	port.Store
	late func() time.Duration
}

func (s *lateSaves) Save(ctx context.Context, recs []port.Record) error {
	err := s.Store.Save(ctx, recs)
	time.Sleep(s.late())
	return err
}

// extensions are the changes of leases that a broker is asked for after they are
// over. While it is broken, it makes none.
type extensions struct {
	port.Broker
	broken  atomic.Bool
	deaf    atomic.Bool // nothing can be received
	tooLate atomic.Int64
	asked   atomic.Int64
	ends    sync.Map // of leases, by the delivery's handle
}

func newExtensions(b port.Broker) *extensions { return &extensions{Broker: b} }

func (b *extensions) Limits(ctx context.Context) (port.Limits, error) {
	limiter, ok := b.Broker.(port.Limiter)
	if !ok {
		return port.Limits{}, errors.New("the broker beneath has no limits")
	}
	return limiter.Limits(ctx)
}

func (b *extensions) Receive(ctx context.Context, into []port.Delivery) (int, error) {
	if b.deaf.Load() {
		return 0, port.ErrUnavailable
	}
	n, err := b.Broker.Receive(ctx, into)
	for i := range into[:n] {
		b.ends.Store(into[i].Handle, into[i].LeaseEnd)
	}
	return n, err
}

func (b *extensions) Extend(ctx context.Context, leases []port.Lease) error {
	b.asked.Add(1)
	for i := range leases {
		held, _ := b.ends.Load(leases[i].Delivery.Handle)
		if end, ok := held.(time.Time); !ok || !time.Now().Before(end) {
			b.tooLate.Add(1)
		}
	}
	if b.broken.Load() {
		return port.ErrUnavailable
	}
	return b.Broker.Extend(ctx, leases)
}

// TestSideBySide is what two processes do that have the same task. The simulation
// found each of these.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(w *world){
		"PlainCopyHeedsTheClaimOfAnother":         plainCopyHeedsClaim,
		"CopyOfAFailedOnceTaskDoesNotExpire":      copyOfAFailedTask,
		"ClaimShowsThatAttemptsAreUsedUp":         attemptsUsedUp,
		"ClaimShowsThatTheTaskIsASuspect":         suspectByItsClaim,
		"MarkThatComesAfterTheLeaseBeginsNoRun":   lateMark,
		"MarkOfARunThatNeverBeganIsTakenBack":     markWithoutRun,
		"HandlerEndsThoughExtendingHangs":         hangingExtension,
		"ClaimEndsThoughAnOlderCallHangs":         claimBesideHangingExtension,
		"NothingIsGivenBackAfterItsLease":         lateGiveBack,
		"LettersAreNotGivenBackAfterTheirLeases":  lateLetters,
		"LetterThatIsHeldIsGivenBackBesideOthers": heldLetter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}

// plainCopyHeedsClaim: a task that was pushed without its ID, and then with it, has a
// copy that takes a claim, and one that by itself would take none.
func plainCopyHeedsClaim(w *world) {
	var runs int
	release := make(chan struct{})
	goflow.NewJob[int, int]("job").Handle(w.mux, func(context.Context, int) (int, error) {
		runs++
		<-release
		return runs, nil
	})
	id := w.push("job", 1)
	unseen := w.receive(w.queue) // by a process that died at once
	w.push("job", 1, goflow.ID(id))
	claims := w.receive(w.queue)
	require.Contains(w, string(claims.Body), `"once":true`)
	require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: unseen}}))
	plain := w.receive(w.queue)
	require.False(w, strings.Contains(string(plain.Body), `"once":true`))
	ended := make(chan goflow.Outcome)
	go func() { ended <- w.process(w.newProcessor(), claims) }()
	synctest.Wait()
	go func() { time.Sleep(time.Second); close(release) }()
	require.Equal(w, goflow.Release, w.process(w.newProcessor(), plain).Action)
	require.Equal(w, goflow.Ack, (<-ended).Action)
	require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
	require.Equal(w, 1, runs)
	require.JSONEq(w, "1", string(w.wait(id).Result))
}

// copyOfAFailedTask: a task expires only if it has never run, which the message of a
// copy does not say.
func copyOfAFailedTask(w *world) {
	runs := 0
	goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
		if runs++; runs == 1 {
			return 0, errStep
		}
		return runs, nil
	})
	id := w.push("once", 1, goflow.ExpiresIn(time.Minute))
	d := w.receive(w.queue)
	require.NoError(w, w.queue.Send(w.Context(), []port.Message{{ID: id, Body: d.Body}}))
	require.Equal(w, goflow.Release, w.newProcessor().Process(w.Context(), d).Action)
	require.NoError(w, w.queue.Ack(w.Context(), []port.Delivery{d}))
	time.Sleep(2 * time.Minute)
	require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
	require.Equal(w, task.Done, w.wait(id).State)
}

// attemptsUsedUp: another process uses up the last attempt after the record was read,
// and before the claim.
func attemptsUsedUp(w *world) {
	runs := 0
	goflow.NewJob[int, int]("once", goflow.Once(), goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
		runs++
		return 0, nil
	})
	id := w.push("once", 1)
	store := &faultyStore{Store: w.records}
	store.after = func(string) error {
		if store.count("load") > 1 {
			return nil
		}
		return w.records.Save(w.Context(), []port.Record{{ID: id, State: task.Open, Generation: 1, Starts: 1}})
	}
	w.store = store
	require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: w.receive(w.queue)}})) // else it would not be read
	require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
	require.Zero(w, runs, "a run beyond the last attempt")
	require.Equal(w, task.Dead, w.wait(id).State)
	_, note := w.deadLetter()
	require.Equal(w, "crashed", note["reason"])
}

// suspectByItsClaim: another process has died in the task after its record was read,
// and before the claim, which shows that. Another suspect runs here already.
func suspectByItsClaim(w *world) {
	release, runs := make(chan struct{}), 0
	goflow.NewJob[int, int]("alone", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
		<-release
		return 0, nil
	})
	goflow.NewJob[int, int]("once", goflow.Once()).Handle(w.mux, func(context.Context, int) (int, error) {
		runs++
		return 0, nil
	})
	store := &faultyStore{Store: w.records}
	w.store = store
	p := w.newProcessor()
	w.push("alone", 1)
	w.receive(w.queue) // by a process that died at once
	alone, ended := w.receive(w.queue), make(chan goflow.Outcome)
	go func() { ended <- w.process(p, alone) }()
	synctest.Wait()
	id := w.push("once", 1)
	w.receive(w.queue)
	store.after = func(method string) error {
		if method != "load" {
			return nil
		}
		return w.records.Save(w.Context(), []port.Record{{ID: id, State: task.Open, Generation: 1, Starts: 1}})
	}
	again := w.receive(w.queue)
	for !strings.Contains(string(again.Body), id) { // the first one's lease is over, too
		again = w.receive(w.queue)
	}
	o := w.process(p, again)
	require.Equal(w, goflow.Release, o.Action)
	require.GreaterOrEqual(w, o.After, testLease/2)
	require.Zero(w, runs, "two suspects beside each other")
	close(release)
	require.Equal(w, goflow.Ack, (<-ended).Action)
	recs, err := w.records.Load(w.Context(), []string{id}, true)
	require.NoError(w, err)
	require.Equal(w, 1, recs[0].GiveBacks)
}

// lateMark: the answer to a mark comes when the lease is over, and another may run
// the task.
func lateMark(w *world) {
	const lease = settleTime / 2 // so that the save, though late, ends in its time
	w.lease(lease)
	runs := w.countRuns("marked", time.Second)
	id := w.push("marked", 1)
	w.receive(w.queue) // by a process that died at once
	broker := newExtensions(w.queue)
	broker.broken.Store(true)
	w.broker, w.store = broker, &lateSaves{Store: w.records, late: firstLate(lease + time.Second)}
	stop := w.start()
	time.Sleep(lease + time.Second) // the first lease is over, and the worker has it
	broker.deaf.Store(true)         // nothing more
	time.Sleep(lease + 2*time.Second)
	require.Zero(w, runs.Load(), "it began after its lease")
	require.NoError(w, stop())
	w.broker, w.store = w.queue, w.records
	stopOther := w.start()
	require.Equal(w, task.Done, w.wait(id).State)
	require.NoError(w, stopOther())
	require.EqualValues(w, 1, runs.Load())
}

// markWithoutRun: the same, of a task that is Once and has one attempt only. It has
// not crashed.
func markWithoutRun(w *world) {
	runs := &atomic.Int64{}
	goflow.NewJob[int, int]("marked", goflow.Once(), goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
		return int(runs.Add(1)), nil
	})
	const lease = settleTime / 2
	w.lease(lease)
	id := w.push("marked", 1)
	w.receive(w.queue) // by a process that died at once
	broker := newExtensions(w.queue)
	broker.broken.Store(true)
	w.broker, w.store = broker, &lateSaves{Store: w.records, late: firstLate(lease + time.Second)}
	stop := w.start()
	require.Equal(w, task.Done, w.wait(id).State)
	require.NoError(w, stop())
	require.EqualValues(w, 1, runs.Load())
}

// hangs is a broker that answers nothing about leases from some instant on.
type hangs struct {
	*extensions
	from time.Time
}

func (b *hangs) Extend(ctx context.Context, leases []port.Lease) error {
	if time.Now().Before(b.from) {
		return b.extensions.Extend(ctx, leases)
	}
	<-ctx.Done()
	return ctx.Err()
}

// hangingExtension: no call to extend is answered, and none keeps a handler from the
// end of its lease.
func hangingExtension(w *world) {
	var ended atomic.Int64 // after so long
	goflow.NewJob[int, int]("long", goflow.Timeout(time.Hour)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
		began := time.Now()
		<-ctx.Done()
		ended.CompareAndSwap(0, int64(time.Since(began)))
		return 0, ctx.Err()
	})
	w.push("long", 1)
	w.broker = &hangs{extensions: newExtensions(w.queue)}
	stop := w.start(goflow.Drain(0))
	time.Sleep(testLease + time.Second)
	require.NotZero(w, ended.Load(), "it runs on")
	require.LessOrEqual(w, time.Duration(ended.Load()), testLease)
	_ = stop() // it names what it has begun again
}

// slowClaims answers claims late.
type slowClaims struct {
	port.Store
	takes time.Duration
}

func (s slowClaims) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	recs, err := s.Store.Claim(ctx, claims)
	time.Sleep(s.takes)
	return recs, err
}

// claimBesideHangingExtension: a call to extend another lease hangs when a claim is
// answered that is nearly over.
func claimBesideHangingExtension(w *world) {
	began := time.Now()
	hanging := &hangs{newExtensions(w.queue), began.Add(testLease * 2 / 3)}
	w.broker, w.store = hanging, slowClaims{w.records, testLease - 3*time.Second}
	var ended atomic.Int64 // after so long
	until := func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	once := goflow.NewJob[int, int]("once", goflow.Once())
	once.Handle(w.mux, func(ctx context.Context, n int) (int, error) {
		_, err := until(ctx, n)
		ended.CompareAndSwap(0, int64(time.Since(began)))
		return 0, err
	})
	goflow.NewJob[int, int]("long").Handle(w.mux, until)
	stop := w.start(goflow.Drain(0))
	_, err := once.Push(w.Context(), w.client, 1)
	require.NoError(w, err)
	time.Sleep(testLease/2 - 4*time.Second)
	w.push("long", 1) // its extension begins just before the claim is answered
	time.Sleep(testLease)
	require.NotZero(w, ended.Load())
	require.LessOrEqual(w, time.Duration(ended.Load()), testLease, "another may have the claim by now")
	_ = stop() // it names what it has begun again
}

// lateGiveBack: a message that cannot be given back is not touched any more when its
// lease is over.
func lateGiveBack(w *world) {
	attempts := 0
	goflow.NewJob[int, int]("bad").Handle(w.mux, func(context.Context, int) (int, error) {
		if attempts++; attempts > 1 {
			return 1, nil
		}
		time.Sleep(testLease - 800*time.Millisecond) // so the last try would come too late
		return 0, errors.New("no")
	})
	broker := newExtensions(w.queue)
	broker.broken.Store(true)
	w.broker = broker
	id := w.push("bad", 1)
	stop := w.start()
	require.Equal(w, task.Done, w.wait(id).State)
	require.NoError(w, stop())
	require.Positive(w, broker.asked.Load())
	require.Zero(w, broker.tooLate.Load(), "tries after the lease")
}

// lateLetters is the same for who looks at dead letters for long.
func lateLetters(w *world) {
	w.die(2)
	for _, long := range []time.Duration{testLease - 800*time.Millisecond, testLease + time.Second} {
		broker := newExtensions(w.dead)
		broker.broken.Store(true)
		for _, err := range w.deadLetters(broker).List(w.Context(), goflow.DeadLetterFilter{Limit: 1}) {
			if err == nil { // else it says what it could not give back
				time.Sleep(long)
			}
		}
		require.Equal(w, long < testLease, broker.asked.Load() > 0, "asked after %v", long)
		require.Zero(w, broker.tooLate.Load(), "tries after the leases, looking on for %v", long)
		time.Sleep(testLease)
	}
}

// heldLetter: of letters that came one after the other, the first is not held any more
// when all are to be given back, and the second is.
func heldLetter(w *world) {
	w.die(1)
	seen := 0
	for _, err := range w.deadLetters(w.dead).List(w.Context(), goflow.DeadLetterFilter{Limit: 2}) {
		require.NoError(w, err)
		if seen++; seen == 1 {
			w.push("bad", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
		}
		time.Sleep(testLease * 2 / 3)
	}
	require.Equal(w, 2, seen)
	w.requireDead(2)
}
