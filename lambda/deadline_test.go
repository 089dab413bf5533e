package lambda_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// rest is a handler that takes as many seconds as its payload says, unless its
// context ends before.
func rest(ctx context.Context, seconds int) (int, error) {
	select {
	case <-time.After(time.Duration(seconds) * time.Second):
		return seconds, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// TestDeadline is about a function that is out of time; it has a minute, and a
// margin of a second.
func TestDeadline(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(m *mapping){
		"HandlerThatOverrunsIsCutOffAndItsSiblingsReported": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			short, long := m.push("rest", 1), m.push("rest", 3600)
			event := m.event(10)
			begin := time.Now()
			require.Len(m, m.invoke(m.handler(), event), 1)
			require.InDelta(m, 59, time.Since(begin).Seconds(), 0.1, "a margin before the function's time is over")
			require.Equal(m, task.Done, m.get(short).State)
			rec := m.get(long)
			require.Equal(m, []any{task.Open, 1, goflow.ErrTimeout.Error()}, []any{rec.State, rec.Attempts, rec.Error})
		},
		"NothingStartsWhenTheTimeIsNearlyOver": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			var ids []string
			for range 10 {
				ids = append(ids, m.push("rest", 20))
			}
			event := m.event(10)
			begin := time.Now()
			failed := m.invoke(m.handler(goflow.Concurrency(3)), event)
			require.Len(m, failed, 4, "two rounds of 20 s end, the third is cut off")
			require.InDelta(m, 59, time.Since(begin).Seconds(), 0.1)
			again := m.event(10)
			require.Len(m, again.Records, 4, "the unstarted, and those that were cut off late, come at once")
			for _, id := range ids {
				require.Zero(m, m.get(id).Attempts, "a run that had to wait for its slot is no attempt when it is cut off")
			}
		},
		"MarginIsAtMostAQuarterOfTheTime": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			id := m.push("rest", 20)
			require.Empty(m, m.invoke(m.handler(goflow.Margin(5*time.Minute)), m.event(1)))
			require.Equal(m, task.Done, m.get(id).State)
		},
		"HandlerThatIgnoresItsContextIsLeftBehind": func(m *mapping) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf").Handle(m.mux, func(context.Context, int) (int, error) {
				<-release
				return 1, nil
			})
			id := m.push("deaf", 1)
			require.Len(m, m.invoke(m.handler(), m.event(1)), 1)
			require.Equal(m, 1, m.get(id).Attempts)
			close(release)
			m.drain(m.handler())
			require.Equal(m, task.Done, m.get(id).State)
		},
		"AsManyDeafHandlersAsSlotsEndTheProcess": func(m *mapping) {
			release := make(chan struct{})
			defer close(release)
			goflow.NewJob[int, int]("deaf").Handle(m.mux, func(context.Context, int) (int, error) {
				<-release
				return 1, nil
			})
			deaf := m.push("deaf", 1)
			require.PanicsWithValue(m, "goflow: this process has to end: "+goflow.ErrStuck.Error(), func() {
				m.invoke(m.handler(goflow.Concurrency(1)), m.event(10))
			})
			require.Equal(m, 1, m.get(deaf).Attempts, "what could be settled is")
		},
		"DeafOnceHandlerEndsTheProcessAndItsSiblingsAreStored": func(m *mapping) {
			release := make(chan struct{})
			defer close(release)
			goflow.NewJob[int, int]("deaf", goflow.Once()).Handle(m.mux, func(context.Context, int) (int, error) {
				<-release
				return 1, nil
			})
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			m.push("deaf", 1)
			good := m.push("rest", 1)
			event := m.event(2)
			begin := time.Now()
			require.Panics(m, func() { m.invoke(m.handler(), event) })
			require.Less(m, time.Since(begin).Seconds(), 59.9, "before Lambda does it")
			require.Equal(m, task.Done, m.get(good).State)
		},
		"LongTaskHasTheFunctionsTime": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			id := m.push("rest", 600)
			ctx, cancel := context.WithTimeout(m.Context(), 15*time.Minute)
			defer cancel()
			_, err := m.handler().Handle(ctx, m.event(1))
			require.NoError(m, err)
			require.Equal(m, task.Done, m.get(id).State, "the default Timeout is the pool's")
		},
		"SlotThatIsFreedTooLateStartsNothing": func(m *mapping) {
			goflow.NewJob[time.Duration, bool]("nap").Handle(m.mux, func(_ context.Context, d time.Duration) (bool, error) {
				time.Sleep(d)
				return true, nil
			})
			h := m.handler(goflow.Concurrency(1))
			m.push("nap", 58500*time.Millisecond)
			first, done := m.event(1), make(chan []string)
			go func() { done <- m.invoke(h, first) }()
			synctest.Wait()
			late := m.push("nap", time.Millisecond)
			require.Len(m, m.invoke(h, m.event(1)), 1)
			require.Empty(m, <-done)
			require.Equal(m, task.Unknown, m.get(late).State, "it would have had half a second")
		},
		"LimitsThatAreNotAnsweredCostNoOutcome": func(m *mapping) {
			m.silent = true
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			long, bad := m.push("rest", 3600), m.push("maybe", true)
			require.Len(m, m.invoke(m.handler(), m.event(2)), 2)
			require.Equal(m, 1, m.get(long).Attempts)
			require.Equal(m, 1, m.get(bad).Attempts)
		},
		"OnceIsNotRunBesideItself": func(m *mapping) {
			running, most := 0, 0
			goflow.NewJob[int, int]("once", goflow.Once(), goflow.Timeout(5*time.Second)).Handle(m.mux, func(context.Context, int) (int, error) {
				running++
				most = max(most, running)
				time.Sleep(40 * time.Second) // whatever its context says
				running--
				return 1, nil
			})
			id := m.push("once", 1)
			event := m.event(1)
			require.NoError(m, m.queue.Send(m.Context(), []port.Message{{Body: []byte(event.Records[0].Body)}}))
			begin, copied := time.Now(), m.event(1)
			done := make(chan []string)
			go func() { done <- m.invoke(m.handler(), event) }()
			time.Sleep(time.Millisecond) // it runs
			for _, at := range []time.Duration{0, 10 * time.Second, 39 * time.Second} {
				time.Sleep(at - time.Since(begin))
				require.Len(m, m.invoke(m.handler(), copied), 1, "in another process, after %v", at)
			}
			require.Empty(m, <-done)
			require.Equal(m, task.Done, m.get(id).State)
			m.drain(m.handler())
			require.Equal(m, 1, most)
		},
		"StopGivesBackWhatRuns": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			id := m.push("rest", 50)
			h := m.handler()
			event := m.event(1)
			done := make(chan []string)
			go func() { done <- m.invoke(h, event) }()
			time.Sleep(time.Second)
			begin := time.Now()
			h.Stop()
			require.Len(m, <-done, 1)
			require.Less(m, time.Since(begin), 500*time.Millisecond)
			require.Zero(m, m.get(id).Attempts)
			require.Len(m, m.event(1).Records, 1, "at once")
		},
		"NothingStartsAfterAStop": func(m *mapping) {
			runs := 0
			goflow.NewJob[int, int]("count").Handle(m.mux, func(context.Context, int) (int, error) {
				m.mu.Lock()
				defer m.mu.Unlock()
				runs++
				return 0, nil
			})
			for range 500 {
				m.push("count", 1)
			}
			h := m.handler(goflow.Concurrency(500))
			h.Stop()
			require.Len(m, m.invoke(h, m.event(500)), 500)
			require.Zero(m, runs)
			require.Len(m, m.event(500).Records, 500, "at once")
		},
		"StopThatWaitsForADeafHandlerHoldsUpNoOther": func(m *mapping) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf", goflow.Once()).Handle(m.mux, func(context.Context, int) (int, error) {
				<-release
				return 1, nil
			})
			m.push("deaf", 1)
			event, h := m.event(1), m.handler()
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				m.invoke(h, event)
			}()
			time.Sleep(time.Millisecond) // it runs
			begin := time.Now()
			h.Stop()
			require.Less(m, time.Since(begin), 500*time.Millisecond)
			m.push("deaf", 1)
			begin = time.Now()
			require.Len(m, m.invoke(h, m.event(1)), 1)
			require.Less(m, time.Since(begin), time.Second)
			require.NotNil(m, <-done, "only the end of the process ends it")
			close(release)
		},
		"HandlerThatIgnoresAStopIsGivenBackBeforeTheKill": func(m *mapping) {
			release := make(chan struct{})
			goflow.NewJob[int, int]("deaf").Handle(m.mux, func(context.Context, int) (int, error) {
				<-release
				return 1, nil
			})
			m.push("deaf", 1)
			event, h := m.event(1), m.handler()
			done := make(chan []string)
			go func() { done <- m.invoke(h, event) }()
			synctest.Wait()
			h.Stop()
			require.Equal(m, [][]time.Duration{{0}}, m.extended, "when Stop returns there are 100 ms to the kill")
			<-done
			close(release)
		},
		"StoreThatHangsDoesNotHoldUpTheAnswer": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			m.push("maybe", false)
			hung := m.push("rest", 40)
			m.store.hang.Store(&hung)
			event := m.event(2)
			begin := time.Now()
			require.Len(m, m.invoke(m.handler(), event), 1)
			require.InDelta(m, 59.6, time.Since(begin).Seconds(), 0.2, "with what is left of the margin")
			time.Sleep(time.Hour) // until the store comes back
		},
		"InvocationThatEndsEarlierCostsTheOthersNothing": func(m *mapping) {
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			one, other := m.push("rest", 1), m.push("rest", 1)
			m.event(2)
			time.Sleep(visibility) // so that they are read before they run
			m.store.slow.Store(int64(10 * time.Second))
			short, long, h := m.event(1), m.event(1), m.handler()
			m.push("rest", 100)
			short.Records = append(short.Records, m.event(1).Records...) // on which the reading waits a moment
			brief, cancel := context.WithTimeout(m.Context(), time.Second)
			defer cancel()
			done := make(chan error)
			go func() {
				_, err := h.Handle(brief, short)
				done <- err
			}()
			synctest.Wait()
			require.Empty(m, m.invoke(h, long))
			require.NoError(m, <-done)
			require.Contains(m, m.store.calls, "fresh load 2", "in one call, which the longer one waits for")
			states := []task.State{m.get(one).State, m.get(other).State}
			require.ElementsMatch(m, []task.State{task.Done, task.Unknown}, states)
		},
	})
}

// TestSuspects is about tasks that may have killed their process.
func TestSuspects(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(m *mapping){
		"SuspectRunsWhenTheOthersAreSettled": func(m *mapping) {
			var suspectRan atomic.Bool
			goflow.NewJob[int, int]("bomb", goflow.MaxAttempts(1)).Handle(m.mux, func(context.Context, int) (int, error) {
				require.Contains(m, m.store.calls, "save 3", "the others' results")
				require.False(m, suspectRan.Swap(true))
				suspectRan.Store(false)
				return 1, nil
			})
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			m.push("bomb", 1)
			m.push("bomb", 1)
			m.event(2) // a process that died with them
			time.Sleep(visibility)
			for range 3 {
				m.push("rest", 1)
			}
			require.Empty(m, m.invoke(m.handler(), m.event(10)))
			m.requireEmpty()
		},
		"SuspectThatGetsLittleTimeLosesNoAttempt": func(m *mapping) {
			goflow.NewJob[int, int]("bomb", goflow.MaxAttempts(1)).Handle(m.mux, rest)
			goflow.NewJob[int, int]("rest").Handle(m.mux, rest)
			suspect := m.push("bomb", 20)
			m.event(1) // a process that died with it
			time.Sleep(visibility)
			m.push("rest", 50)
			require.Len(m, m.invoke(m.handler(), m.event(10)), 1)
			m.drain(m.handler())
			require.Equal(m, task.Done, m.get(suspect).State)
		},
		"TaskThatKillsItsProcessConvictsNoSibling": func(m *mapping) {
			const attempts = 3
			runs := 0
			goflow.NewJob[int, int]("bomb", goflow.MaxAttempts(attempts)).Handle(m.mux, func(context.Context, int) (int, error) {
				runs++
				m.store.refuse = func(string) error { return port.ErrRefused } // from here on the process is dead
				return 0, nil
			})
			goflow.NewJob[int, int]("rest", goflow.MaxAttempts(attempts)).Handle(m.mux, rest)
			bomb := m.push("bomb", 1)
			var siblings []string
			for range 9 {
				siblings = append(siblings, m.push("rest", 1))
			}
			for range 10 {
				event := m.event(10)
				if len(event.Records) == 0 {
					time.Sleep(visibility)
					continue
				}
				m.store.refuse = nil
				answer, err := m.handler().Handle(m.Context(), event)
				if m.store.refuse == nil && err == nil {
					require.Empty(m, answer.BatchItemFailures)
					m.purge()
				}
			}
			m.store.refuse = nil
			require.Equal(m, task.Dead, m.get(bomb).State)
			require.LessOrEqual(m, runs, attempts+1)
			require.Equal(m, map[string]string{bomb: "crashed"}, m.deadLetters())
			for _, id := range siblings {
				require.Equal(m, task.Done, m.get(id).State)
			}
		},
	})
}

// TestOrder is about queues that keep order.
func TestOrder(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(m *mapping){
		"FailureHoldsUpItsGroupAndNoOther": func(m *mapping) {
			m.arn += ".fifo"
			var ran []string
			bad := true
			goflow.NewJob[string, string]("step").Handle(m.mux, func(_ context.Context, step string) (string, error) {
				m.mu.Lock()
				defer m.mu.Unlock()
				ran = append(ran, step)
				if step == "a2" && bad {
					return "", goflow.RetryAfter(10*time.Second, errBad)
				}
				return step, nil
			})
			for _, step := range []string{"a1", "b1", "a2", "a3", "b2", "a4"} {
				m.pushStep(step)
			}
			failed := m.invoke(m.handler(), m.event(10))
			require.Len(m, failed, 3)
			require.Equal(m, []string{"a1", "a2"}, steps(ran, "a"))
			require.Equal(m, []string{"b1", "b2"}, steps(ran, "b"))
			require.Equal(m, [][]time.Duration{{10 * time.Second, 10 * time.Second, 10 * time.Second}}, m.extended, "the rest with the one that failed")
			bad = false
			m.drain(m.handler())
		},
		"DeadHeadLetsItsGroupGoOn": func(m *mapping) {
			m.arn += ".fifo"
			var ran []string
			goflow.NewJob[string, string]("step", goflow.MaxAttempts(1)).Handle(m.mux, func(_ context.Context, step string) (string, error) {
				ran = append(ran, step)
				if step == "a1" {
					return "", errBad
				}
				return step, nil
			})
			m.pushStep("a1")
			m.pushStep("a2")
			require.Empty(m, m.invoke(m.handler(), m.event(10)))
			require.Equal(m, []string{"a1", "a2"}, ran)
		},
		"TaskBehindALongOneLosesNoAttempt": func(m *mapping) {
			m.arn += ".fifo"
			var ran []string
			goflow.NewJob[string, string]("step", goflow.MaxAttempts(1)).Handle(m.mux, func(ctx context.Context, step string) (string, error) {
				ran = append(ran, step)
				_, err := rest(ctx, 40)
				return step, err
			})
			m.pushStep("a1")
			m.pushStep("a2")
			require.Len(m, m.invoke(m.handler(), m.event(10)), 1)
			m.drain(m.handler())
			require.Equal(m, []string{"a1", "a2", "a2"}, ran)
			require.Empty(m, m.deadLetters())
		},
		"SuspectsOfAGroupRunInItsOrder": func(m *mapping) {
			m.arn += ".fifo"
			var ran []string
			goflow.NewJob[string, string]("step", goflow.MaxAttempts(1)).Handle(m.mux, func(_ context.Context, step string) (string, error) {
				ran = append(ran, step)
				return step, nil
			})
			for _, step := range []string{"a1", "a2", "a3"} {
				m.pushStep(step)
			}
			m.event(10) // a process that died with them
			time.Sleep(visibility)
			event := m.event(10)
			slices.SortFunc(event.Records, func(a, b events.SQSMessage) int { return strings.Compare(a.Body, b.Body) }) // as SQS would
			require.Empty(m, m.invoke(m.handler(), event))
			require.Equal(m, []string{"a1", "a2", "a3"}, ran)
		},
		"GroupsOfAStandardQueueKeepNoOrder": func(m *mapping) {
			goflow.NewJob[string, string]("step").Handle(m.mux, func(_ context.Context, step string) (string, error) {
				if step == "a1" {
					return "", errBad
				}
				return step, nil
			})
			m.pushStep("a1")
			m.pushStep("a2")
			require.Len(m, m.invoke(m.handler(), m.event(10)), 1)
		},
	})
}
