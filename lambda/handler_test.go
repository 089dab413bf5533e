package lambda_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/lambda"
)

// errBad is what failing handlers fail with.
var errBad = errors.New("bad luck")

// maybe fails if its payload says so.
func maybe(_ context.Context, fail bool) (string, error) {
	if fail {
		return "", errBad
	}
	return "fine", nil
}

// each runs a named test in a bubble of its own.
func each(t *testing.T, tests map[string]func(m *mapping)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLambda(t, test)
		})
	}
}

// TestEveryMaskOfTen tries each of the 1,024 ways in which ten records can
// succeed and fail.
func TestEveryMaskOfTen(t *testing.T) {
	t.Parallel()
	inLambda(t, func(m *mapping) {
		goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
		h := m.handler()
		for mask := range 1 << 10 {
			ids := map[string]bool{}
			for i := range 10 {
				fails := mask&(1<<i) != 0
				ids[m.push("maybe", fails)] = fails
			}
			event := m.event(10)
			failed := m.invoke(h, event)
			want := []string{}
			for _, r := range event.Records {
				if ids[m.taskID(r)] {
					want = append(want, r.MessageId)
				}
			}
			require.ElementsMatch(m, want, failed, "mask %b", mask)
			for id, fails := range ids {
				state := task.Done
				if fails {
					state = task.Open
				}
				require.Equal(m, state, m.get(id).State, "mask %b", mask)
			}
			m.purge()
		}
	})
}

func TestHandler(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(m *mapping){
		"ResultsOfABatchAreOneCall": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			for range 10 {
				m.push("maybe", false)
			}
			require.Empty(m, m.invoke(m.handler(), m.event(10)))
			require.Equal(m, []string{"save 10"}, m.store.calls)
			require.Empty(m, m.extended)
			require.Zero(m, m.limits, "tasks that succeed at once do not ask for what they don't need")
		},
		"RedeliveredBatchIsReadAndGivenBackInOneCallEach": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			for range 10 {
				m.push("maybe", true)
			}
			m.event(10) // by an invocation that was throttled
			time.Sleep(visibility)
			require.Len(m, m.invoke(m.handler(), m.event(10)), 10)
			require.Equal(m, []string{"fresh load 10", "save 10", "save 10"}, m.store.calls, "read, starts marked, attempts recorded")
			require.Len(m, m.extended, 1)
			require.Equal(m, 1, m.limits)
		},
		"ClaimsAreOneCall": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe", goflow.Once()).Handle(m.mux, maybe)
			for range 10 {
				m.push("maybe", false)
			}
			require.Empty(m, m.invoke(m.handler(), m.event(10)))
			require.Equal(m, []string{"claim 10", "save 10"}, m.store.calls)
		},
		"SlotIsFreeWhileAResultIsStored": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			for range 3 {
				m.push("maybe", false)
			}
			require.Empty(m, m.invoke(m.handler(goflow.Concurrency(1)), m.event(3)))
			require.Equal(m, []string{"save 3"}, m.store.calls)
		},
		"NewHandlerCallsNobody": func(m *mapping) {
			m.refuse = errBad
			m.handler()
			require.Empty(m, m.store.calls)
		},
		"ResultIsStoredBeforeTheAnswer": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			lost, kept := m.push("maybe", false), m.push("maybe", false)
			m.store.refuse = func(id string) error {
				if id == lost {
					return port.ErrUnavailable
				}
				return nil
			}
			failed := m.invoke(m.handler(), m.event(10))
			require.Len(m, failed, 1, "a record whose result is not stored stays")
			require.Equal(m, task.Unknown, m.get(lost).State)
			m.store.refuse = nil
			m.drain(m.handler())
			require.Equal(m, task.Done, m.get(lost).State)
			require.Equal(m, task.Done, m.get(kept).State)
		},
		"StoreThatIsDownFailsTheInvocation": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			m.push("maybe", false)
			m.store.refuse = func(string) error { return port.ErrRefused }
			_, err := m.handler().Handle(m.Context(), m.event(10))
			require.ErrorIs(m, err, goflow.ErrRefused, "so that Lambda slows down and its alarm fires")
		},
		"RetryWaitsForItsBackoff": func(m *mapping) {
			runs := 0
			goflow.NewJob[int, int]("flaky").Handle(m.mux, func(context.Context, int) (int, error) {
				if runs++; runs == 1 {
					return 0, goflow.RetryAfter(10*time.Second, errBad)
				}
				return runs, nil
			})
			id := m.push("flaky", 1)
			begin := time.Now()
			require.Len(m, m.invoke(m.handler(), m.event(1)), 1)
			rec := m.get(id)
			require.Equal(m, []any{task.Open, 1, errBad.Error()}, []any{rec.State, rec.Attempts, rec.Error})
			m.drain(m.handler())
			require.Equal(m, task.Done, m.get(id).State)
			require.InDelta(m, 10, time.Since(begin).Seconds(), 1.5, "not at once, and not after the queue's visibility timeout")
		},
		"VisibilityThatCannotBeChangedIsAFailureAllTheSame": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			m.push("maybe", true)
			m.refuse = port.ErrRefused
			require.Len(m, m.invoke(m.handler(), m.event(1)), 1)
		},
		"VisibilityIsChangedAgainAfterAThrottle": func(m *mapping) {
			goflow.NewJob[int, int]("later").Handle(m.mux, func(context.Context, int) (int, error) { return 0, goflow.RetryAfter(time.Second, errBad) })
			m.push("later", 1)
			m.refuse = port.ErrUnavailable
			m.invoke(m.handler(), m.event(1))
			require.Equal(m, [][]time.Duration{{time.Second}}, m.extended)
		},
		"RedrivenTaskRunsInItsNextGeneration": func(m *mapping) {
			broken := true
			goflow.NewJob[int, int]("mend", goflow.MaxAttempts(1)).Handle(m.mux, func(ctx context.Context, _ int) (int, error) {
				info, _ := goflow.TaskFromContext(ctx)
				if broken {
					return 0, errBad
				}
				return info.Generation, nil
			})
			id := m.push("mend", 1)
			require.Empty(m, m.invoke(m.handler(), m.event(1)))
			into := make([]port.Delivery, 1)
			_, err := m.dead.Receive(m.Context(), into)
			require.NoError(m, err)
			require.NoError(m, m.queue.Send(m.Context(), []port.Message{{Body: into[0].Body, Attributes: into[0].Attributes}}))
			broken = false
			require.Empty(m, m.invoke(m.handler(), m.event(1)))
			rec := m.get(id)
			require.Equal(m, []any{task.Done, 2, "2"}, []any{rec.State, rec.Generation, string(rec.Result)})
		},
		"TaskThatIsTooOldExpires": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			body := `{"v":1,"id":"0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f","type":"maybe","payload":false,"ttl":60000}`
			require.NoError(m, m.queue.Send(m.Context(), []port.Message{{Body: []byte(body)}}))
			time.Sleep(2 * time.Minute)
			require.Empty(m, m.invoke(m.handler(), m.event(1)))
			require.Equal(m, task.Expired, m.get("0193a1f0-5b7c-7d3e-8f00-2a4b6c8d0e1f").State)
		},
		"PermanentFailureAndLastAttemptAreDone": func(m *mapping) {
			never := goflow.NewJob[int, int]("never")
			never.Handle(m.mux, func(context.Context, int) (int, error) { return 0, goflow.Permanent(errBad) })
			goflow.NewJob[bool, string]("maybe", goflow.MaxAttempts(1)).Handle(m.mux, maybe)
			permanent, last := m.push("never", 1), m.push("maybe", true)
			require.Empty(m, m.invoke(m.handler(), m.event(10)))
			for _, id := range []string{permanent, last} {
				rec := m.get(id)
				require.Equal(m, []any{task.Dead, 1, errBad.Error()}, []any{rec.State, rec.Attempts, rec.Error})
			}
			require.Equal(m, map[string]string{permanent: "permanent", last: "failed"}, m.deadLetters())
		},
		"DeadTaskStaysUntilItsDeadLetterIsSent": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe", goflow.MaxAttempts(1)).Handle(m.mux, maybe)
			bad, good := m.push("maybe", true), m.push("maybe", false)
			down := goflow.DeadLetters(refusingBroker{m.dead})
			require.Len(m, m.invoke(m.handler(down), m.event(10)), 1)
			require.Equal(m, task.Dead, m.get(bad).State)
			require.Equal(m, task.Done, m.get(good).State)
			require.Empty(m, m.deadLetters())
			m.drain(m.handler())
			require.Equal(m, map[string]string{bad: "failed"}, m.deadLetters())
		},
		"NothingFailsTheWholeBatch": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			goflow.NewJob[int, int]("panic", goflow.MaxAttempts(1)).Handle(m.mux, func(context.Context, int) (int, error) { panic("ouch") })
			require.NoError(m, m.queue.Send(m.Context(), []port.Message{{Body: []byte("nonsense")}, {Body: []byte(`{"v":9,"type":"x"}`)}}))
			panics, good := m.push("panic", 1), m.push("maybe", false)
			unknown := m.push("nobody.knows", 1)
			require.Len(m, m.invoke(m.handler(), m.event(10)), 1, "the unknown type comes again")
			require.Equal(m, task.Done, m.get(good).State)
			require.Equal(m, "panic: ouch", m.get(panics).Error)
			require.Len(m, m.deadLetters(), 3)
			m.drain(m.handler())
			require.Equal(m, task.Dead, m.get(unknown).State)
		},
		"EmptyEventIsAnEmptyList": func(m *mapping) {
			for _, event := range []events.SQSEvent{{}, {Records: []events.SQSMessage{}}} {
				answer, err := m.handler().Handle(m.Context(), event)
				require.NoError(m, err)
				require.NotNil(m, answer.BatchItemFailures)
				require.Empty(m, answer.BatchItemFailures)
			}
		},
		"RecordWithoutIDFailsTheBatchUnlessItIsDone": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			m.push("maybe", false)
			event := m.event(1)
			event.Records[0].MessageId = ""
			answer, err := m.handler().Handle(m.Context(), event)
			require.NoError(m, err, "the task names itself")
			require.Empty(m, answer.BatchItemFailures)
			m.push("maybe", true)
			event = m.event(1)
			event.Records[0].MessageId = ""
			_, err = m.handler().Handle(m.Context(), event)
			require.ErrorContains(m, err, "messageId")
		},
		"TwoCopiesInABatchAreNamedOnce": func(m *mapping) {
			goflow.NewJob[bool, string]("maybe").Handle(m.mux, maybe)
			m.push("maybe", true)
			event := m.event(1)
			event.Records = append(event.Records, event.Records[0])
			require.Len(m, m.invoke(m.handler(), event), 1)
		},
		"InvocationsAtOnceShareTheSlots": func(m *mapping) {
			running, most := 0, 0
			goflow.NewJob[int, int]("slow").Handle(m.mux, func(context.Context, int) (int, error) {
				m.mu.Lock()
				running++
				most = max(most, running)
				m.mu.Unlock()
				time.Sleep(time.Second)
				m.mu.Lock()
				running--
				m.mu.Unlock()
				return 0, nil
			})
			for range 40 {
				m.push("slow", 1)
			}
			h := m.handler(goflow.Concurrency(4))
			done := make(chan []string)
			for range 4 {
				event := m.event(10)
				go func() { done <- m.invoke(h, event) }()
			}
			for range 4 {
				require.Empty(m, <-done)
			}
			require.Equal(m, 4, most)
			m.requireEmpty()
		},
	})
}

func TestNewHandlerRefusesBadOptions(t *testing.T) {
	t.Parallel()
	inLambda(t, func(m *mapping) {
		_, err := lambda.NewHandler(functionQueue{m}, m.records, m.mux)
		require.ErrorContains(t, err, "DeadLetters is missing")
		_, err = lambda.NewHandler(functionQueue{m}, m.records, m.mux, goflow.NoDeadLetters(), goflow.Margin(time.Millisecond))
		require.ErrorContains(t, err, "Margin(1ms): give 10ms to 5m")
	})
}
