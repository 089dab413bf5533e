package goflow_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// rareStore fails claims and reopenings, which faultyStore leaves alone: a claim
// is answered by claim where there is one.
type rareStore struct {
	faultyStore
	claim func(context.Context, []port.Claim) ([]port.Record, error)
}

func (s *rareStore) Claim(ctx context.Context, claims []port.Claim) (recs []port.Record, err error) {
	do := s.Store.Claim
	if s.claim != nil {
		do = s.claim
	}
	err = s.around("claim", func() (err error) {
		recs, err = do(ctx, claims)
		return err
	})
	return recs, err
}

func (s *rareStore) Reopen(ctx context.Context, recs []port.Record) error {
	return s.around("reopen", func() error { return s.Store.Reopen(ctx, recs) })
}

// limitless is a broker whose limits cannot be read, as told by limits.
type limitless struct {
	faultyBroker
	limits func(context.Context) error
}

func (b *limitless) Limits(ctx context.Context) (port.Limits, error) {
	if err := b.limits(ctx); err != nil {
		return port.Limits{}, err
	}
	return b.faultyBroker.Limits(ctx)
}

// down fails the named calls while it is true.
func down(on *atomic.Bool, method string) func(string) error {
	return func(called string) error {
		if on.Load() && called == method {
			return port.ErrUnavailable
		}
		return nil
	}
}

func broken() *atomic.Bool {
	on := &atomic.Bool{}
	on.Store(true)
	return on
}

// steal claims a task for another worker.
func (w *world) steal(ctx context.Context, id string) goflow.Record {
	w.Helper()
	recs, err := w.records.Claim(ctx, []port.Claim{{ID: id, Generation: 1, Token: "other", For: time.Hour}})
	require.NoError(w, err)
	return recs[0]
}

// counting registers a job that counts its runs.
func (w *world) counting(name string, opts ...goflow.JobOption) *atomic.Int64 {
	w.Helper()
	runs := &atomic.Int64{}
	goflow.NewJob[int, int](name, opts...).Handle(w.mux, func(context.Context, int) (int, error) {
		return int(runs.Add(1)), nil
	})
	return runs
}

func TestTaskWaitsForWhatItNeedsOfItsRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		opts   []goflow.JobOption
		push   func(w *world) (id string)
		want   task.State
	}{
		"TheReadOfARedelivery":       {"load", nil, pushedOnce, task.Done},
		"TheMarkOfAStart":            {"save", nil, pushedOnce, task.Done},
		"TheClaimOfAOnceJob":         {"claim", []goflow.JobOption{goflow.Once()}, pushed1, task.Done},
		"TheReopeningOfARedrivenOne": {"reopen", nil, redriven, task.Done},
		"TheReadBeforeAHop":          {"load", nil, func(w *world) string { return w.push("t", 1, goflow.Delay(time.Hour)) }, task.Done},
		"TheRecordOfItsExpiry":       {"save", nil, expired, task.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				runs, broken := w.counting("t", c.opts...), broken()
				id := c.push(w)
				w.store = &rareStore{faultyStore: faultyStore{Store: w.records, before: down(broken, c.method)}}
				o := w.process(w.newProcessor(), w.receive(w.queue))
				require.Equal(w, goflow.Leave, o.Action)
				require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
				require.ErrorContains(w, o.Err, "task "+id)
				require.Zero(w, runs.Load(), "it ran without")
				broken.Store(false)
				w.drain()
				require.Equal(w, c.want, w.state(id))
				require.Equal(w, c.want == task.Done, runs.Load() == 1, "%d runs", runs.Load())
			})
		})
	}
}

func pushed1(w *world) string { return w.push("t", 1) }

// pushedOnce has been received by a process that died.
func pushedOnce(w *world) string {
	id := w.push("t", 1)
	w.receive(w.queue)
	return id
}

// redriven is dead, and comes again from the dead letters.
func redriven(w *world) string {
	w.saveRecord(goflow.Record{ID: handMadeID, State: task.Dead, Generation: 1, Error: "no"})
	require.NoError(w, w.queue.Send(w.Context(), []port.Message{{
		Body:       []byte(`{"v":1,"id":"` + handMadeID + `","type":"t","payload":1}`),
		Attributes: map[string]string{"goflow-dead": `{"generation":1}`},
	}}))
	return handMadeID
}

func expired(w *world) string {
	id := w.push("t", 1, goflow.ExpiresIn(time.Minute))
	time.Sleep(2 * time.Minute)
	return id
}

// TestSuspectThatCannotStartFreesItsPlace, or no suspect would ever run here again.
func TestSuspectThatCannotStartFreesItsPlace(t *testing.T) {
	t.Parallel()
	for method, opts := range map[string][]goflow.JobOption{"save": {goflow.MaxAttempts(1)}, "claim": {goflow.MaxAttempts(1), goflow.Once()}} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				runs, broken := w.counting("t", opts...), broken()
				first := pushedOnce(w)
				second := pushedOnce(w)
				w.store = &rareStore{faultyStore: faultyStore{Store: w.records, before: down(broken, method)}}
				p := w.newProcessor()
				require.Equal(w, goflow.Leave, w.process(p, w.receive(w.queue)).Action)
				broken.Store(false)
				for range 2 {
					require.Equal(w, goflow.Ack, w.process(p, w.receive(w.queue)).Action)
				}
				require.Equal(w, []task.State{task.Done, task.Done}, []task.State{w.state(first), w.state(second)})
				require.EqualValues(w, 2, runs.Load())
			})
		})
	}
}

// TestOutcomeOfAnotherStands: somebody else ends the task while this process is
// about to run it, or runs it.
func TestOutcomeOfAnotherStands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string // during which the other one is quicker
		opts   []goflow.JobOption
		push   func(w *world) string
		runs   int64
	}{
		"WhileItIsClaimed":   {"claim", []goflow.JobOption{goflow.Once()}, pushed1, 0},
		"WhileItIsMarked":    {"save", nil, pushedOnce, 0},
		"WhileItRuns":        {"save", nil, pushed1, 1},
		"WhileItRunsClaimed": {"save", []goflow.JobOption{goflow.Once()}, pushed1, 1},
	} {
		for _, others := range []task.State{task.Done, task.Dead, task.Cancelled} {
			t.Run(name+others.String(), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					runs := w.counting("t", c.opts...)
					var ended atomic.Bool
					id := c.push(w)
					w.store = &rareStore{faultyStore: faultyStore{Store: w.records, before: func(method string) error {
						if method == c.method && !ended.Swap(true) {
							w.saveRecord(goflow.Record{ID: id, State: others, Generation: 1, Error: "by another", Reason: "failed"})
						}
						return nil
					}}}
					require.Equal(w, goflow.Outcome{Action: goflow.Ack}, w.process(w.newProcessor(), w.receive(w.queue)))
					require.Equal(w, c.runs, runs.Load())
					rec := w.wait(id)
					require.Equal(w, []any{others, "by another"}, []any{rec.State, rec.Error})
					w.requireEmpty(w.queue)
					letters := 0
					if others == task.Dead {
						letters = 1 // perhaps the other one could not send it any more
					}
					w.requireDead(letters)
				})
			})
		}
	}
}

func TestFaultsWhileSettling(t *testing.T) {
	t.Parallel()
	inWorlds(t, map[string]func(w *world){
		"OutcomeOfAnotherThatCannotBeReadLeavesTheMessage": func(w *world) {
			runs, broken := w.counting("t"), broken()
			id := w.push("t", 1)
			w.saveRecord(goflow.Record{ID: id, State: task.Done, Generation: 1, Result: []byte("17")})
			w.store = &faultyStore{Store: w.records, before: down(broken, "load")}
			o := w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action, "it may be dead, with its letter unsent")
			require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
			broken.Store(false)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, []any{"17", int64(1)}, []any{string(w.wait(id).Result), runs.Load()})
		},
		"CancelThatCannotBeReadLeavesTheMessage": func(w *world) {
			broken := &atomic.Bool{}
			goflow.NewJob[int, int]("t", goflow.Cancellable()).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				broken.Store(true)
				return 0, ctx.Err()
			})
			id := w.push("t", 1)
			w.store = &faultyStore{Store: w.records, before: down(broken, "load")}
			done := make(chan goflow.Outcome)
			p, d := w.newProcessor(), w.receive(w.queue)
			go func() { done <- p.Process(w.Context(), d) }()
			synctest.Wait()
			require.NoError(w, w.client.Cancel(w.Context(), id))
			o := <-done
			require.Equal(w, goflow.Leave, o.Action)
			require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
			broken.Store(false)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, task.Cancelled, w.wait(id).State)
		},
		"WorkerThatWasFencedOutDoesNotDelete": func(w *world) {
			goflow.NewJob[int, int]("t", goflow.Once(), goflow.Timeout(time.Minute)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				info, _ := goflow.TaskFromContext(ctx)
				time.Sleep(5 * time.Minute) // its process was stopped, and the claim has ended
				require.EqualValues(w, 2, w.steal(context.WithoutCancel(ctx), info.ID).Epoch)
				return 1, nil
			})
			id := w.push("t", 1)
			d := w.receive(w.queue)
			require.Equal(w, goflow.Outcome{Action: goflow.Leave}, w.newProcessor().Process(w.Context(), d))
			rec, err := w.client.Get(w.Context(), id)
			require.NoError(w, err)
			require.Equal(w, []any{task.Open, "other"}, []any{rec.State, rec.Token}, "the other one's claim stands")
			require.Equal(w, d.ID, w.receive(w.queue).ID, "and so does the message")
		},
		"RetryDoesNotNeedTheLimits": func(w *world) {
			goflow.NewJob[int, int]("t").Handle(w.mux, func(context.Context, int) (int, error) { return 0, errStep })
			for _, limits := range []func(context.Context) error{
				func(context.Context) error { return port.ErrUnavailable },
				func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			} {
				w.broker = &limitless{faultyBroker{Broker: w.queue}, limits}
				id, begin := w.push("t", 1), time.Now()
				require.Equal(w, goflow.Release, w.process(w.newProcessor(), w.receive(w.queue)).Action)
				require.LessOrEqual(w, time.Since(begin), 2*time.Second)
				rec, err := w.client.Get(w.Context(), id)
				require.NoError(w, err)
				require.Equal(w, 1, rec.Attempts)
			}
		},
		"LongDelayWaitsForTheLimits": func(w *world) {
			ran, broken, begin := w.noted("later"), broken(), time.Now()
			w.push("later", "x", goflow.Delay(time.Hour))
			w.broker = &limitless{faultyBroker{Broker: w.queue}, func(context.Context) error {
				if broken.Load() {
					return port.ErrUnavailable
				}
				return nil
			}}
			o := w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action, "a hop that is too long would be refused")
			require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
			broken.Store(false)
			w.drain()
			require.Len(w, ran.all(), 1)
			require.GreaterOrEqual(w, ran.all()[0].Sub(begin), time.Hour)
		},
		"LongDelayThatTheQueueRefusesIsDeadAtOnce": func(w *world) {
			ran := w.noted("later")
			for _, refusal := range []error{port.ErrTooLarge, port.ErrInvalid} {
				id := w.push("later", "x", goflow.Delay(time.Hour))
				w.broker = w.sends(refusal, false) // somebody has made the queue's limit smaller
				require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
				rec := w.wait(id)
				require.Equal(w, []any{task.Dead, "malformed"}, []any{rec.State, rec.Reason})
				require.Contains(w, rec.Error, "cannot be delayed further")
				_, note := w.deadLetter()
				require.Equal(w, id, note["id"])
			}
			require.Empty(w, ran.all())
			w.requireEmpty(w.queue)
		},
		"DeadAttributeThatNobodyHasWrittenIsNoRedrive": func(w *world) {
			runs := w.counting("t")
			for _, text := range []string{`x`, `{}`, `{"generation":0}`, `{"generation":-3}`} {
				require.NoError(w, w.queue.Send(w.Context(), []port.Message{{
					Body: []byte(`{"v":1,"type":"t","payload":1}`), Attributes: map[string]string{"goflow-dead": text},
				}}))
				d := w.receive(w.queue)
				require.Equal(w, goflow.Ack, w.process(w.newProcessor(), d).Action)
				require.Equal(w, 1, w.wait(d.ID).Generation, text)
			}
			require.EqualValues(w, 4, runs.Load())
		},
		"PanicIsLoggedWithItsStack": func(w *world) {
			goflow.NewJob[int, int]("t").Handle(w.mux, func(context.Context, int) (int, error) { panic("ouch") })
			w.push("t", 1)
			var log bytes.Buffer
			w.process(w.newProcessor(goflow.Logger(slog.New(slog.NewTextHandler(&log, nil)))), w.receive(w.queue))
			require.Contains(w, log.String(), "handler panicked")
			require.Contains(w, log.String(), "fault_test.go", "where it was")
		},
	})
}
