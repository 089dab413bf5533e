package goflow_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

func echo(_ context.Context, s string) (string, error) { return s, nil }

// badError has a method that a nil pointer does not bear.
type badError struct{ text string }

func (e *badError) Error() string { return e.text }

type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { panic("ouch") }

func TestProcess(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(w *world){
		"FirstDeliveryIsOneWriteAndNoRead": func(w *world) {
			store := &faultyStore{Store: w.records}
			w.store = store
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			id := w.push("echo", "hello")
			o := w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, goflow.Outcome{Action: goflow.Ack}, o)
			require.Equal(w, []string{"save"}, store.list)
			rec := w.wait(id)
			require.Equal(w, task.Done, rec.State)
			require.JSONEq(w, `"hello"`, string(rec.Result))
		},
		"ResultIsStoredBeforeTheMessageIsDeleted": func(w *world) {
			store := &faultyStore{Store: w.records, before: func(string) error { return port.ErrUnavailable }}
			w.store = store
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			id := w.push("echo", "hello")
			o := w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, goflow.Leave, o.Action, "a message whose result is not stored stays")
			require.ErrorIs(w, o.Err, goflow.ErrUnavailable)
			require.Greater(w, store.count("save"), 1, "an unavailable store is asked again")
			store.before = nil
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, task.Done, w.wait(id).State)
			w.requireEmpty(w.queue)
		},
		"FinishedTaskIsNotRunAgain": func(w *world) {
			runs := 0
			goflow.NewJob[string, string]("echo").Handle(w.mux, func(_ context.Context, s string) (string, error) {
				runs++
				return s, nil
			})
			w.push("echo", "hello")
			d := w.receive(w.queue)
			require.Equal(w, goflow.Ack, w.newProcessor().Process(w.Context(), d).Action) // and the process dies before the ack
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, 1, runs)
			w.requireEmpty(w.queue)
		},
		"LostAnswerOfASaveIsRecognised": func(w *world) {
			store := &faultyStore{Store: w.records}
			failures := 1
			store.after = func(method string) error {
				if method == "save" && failures > 0 {
					failures--
					return port.ErrUnavailable
				}
				return nil
			}
			w.store = store
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			id := w.push("echo", "hello")
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, task.Done, w.wait(id).State)
		},
		"FailuresAreRetriedThenDead": func(w *world) {
			var attempts []int
			goflow.NewJob[int, int]("bad", goflow.MaxAttempts(3)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				info, ok := goflow.TaskFromContext(ctx)
				require.True(w, ok)
				attempts = append(attempts, info.Attempt)
				return 0, fmt.Errorf("no luck at attempt %d", info.Attempt)
			})
			id := w.push("bad", 1)
			p := w.newProcessor()
			for range 3 {
				w.process(p, w.receive(w.queue))
			}
			rec := w.wait(id)
			require.Equal(w, []int{1, 2, 3}, attempts)
			require.Equal(w, task.Dead, rec.State)
			require.Equal(w, 3, rec.Attempts)
			require.Equal(w, "no luck at attempt 3", rec.Error)
			_, note := w.deadLetter()
			require.Equal(w, "failed", note["reason"])
			require.Equal(w, id, note["id"])
			require.InDelta(w, 3, note["attempts"], 0)
			w.requireEmpty(w.queue)
		},
		"PermanentFailureIsDeadAtOnce": func(w *world) {
			goflow.NewJob[int, int]("bad").Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, goflow.Permanent(errors.New("never"))
			})
			id := w.push("bad", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, "never", w.wait(id).Error)
			_, note := w.deadLetter()
			require.Equal(w, "permanent", note["reason"])
		},
		"PayloadOfAnotherTypeIsDeadAtOnce": func(w *world) {
			goflow.NewJob[int, int]("count").Handle(w.mux, func(_ context.Context, n int) (int, error) { return n, nil })
			id := w.push("count", "not a number")
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Contains(w, w.wait(id).Error, "payload: json")
		},
		"PanicIsAFailedAttempt": func(w *world) {
			goflow.NewJob[int, int]("panic", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				panic("ouch")
			})
			id := w.push("panic", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, "panic: ouch", w.wait(id).Error)
		},
		"HandlerThatEndsItsGoroutineFails": func(w *world) {
			goflow.NewJob[int, int]("exit", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				runtime.Goexit()
				return 0, nil
			})
			id := w.push("exit", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, "the handler ended its goroutine", w.wait(id).Error)
		},
		"ErrorThatPanicsIsAFailedAttempt": func(w *world) {
			goflow.NewJob[int, int]("typed-nil", goflow.MaxAttempts(1)).Handle(w.mux, func(context.Context, int) (int, error) {
				var err *badError
				return 0, err
			})
			id := w.push("typed-nil", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Contains(w, w.wait(id).Error, "panic: ")
		},
		"ResultWhoseEncodingPanicsIsDead": func(w *world) {
			goflow.NewJob[int, badJSON]("bad-json").Handle(w.mux, func(context.Context, int) (badJSON, error) { return badJSON{}, nil })
			id := w.push("bad-json", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Contains(w, w.wait(id).Error, "panicked: ouch")
		},
		"TTLDoesNotEndRetries": func(w *world) {
			attempts := 0
			goflow.NewJob[int, int]("retried").Handle(w.mux, func(context.Context, int) (int, error) {
				if attempts++; attempts == 1 {
					return 0, goflow.RetryAfter(time.Hour, errors.New("busy"))
				}
				return attempts, nil
			})
			id := w.push("retried", 1, goflow.ExpiresIn(time.Minute))
			w.process(w.newProcessor(), w.receive(w.queue))
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, task.Done, w.wait(id).State)
		},
		"DeadLetterKeepsItsGenerationBesideTenAttributes": func(w *world) {
			attributes := map[string]string{}
			for i := range 10 {
				attributes[fmt.Sprint("a", i)] = "x"
			}
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{Body: []byte(`no JSON`), Attributes: attributes}}))
			w.process(w.newProcessor(), w.receive(w.queue))
			letter, note := w.deadLetter()
			require.InDelta(w, 1, note["generation"], 0)
			require.Len(w, letter.Attributes, 1)
		},
		"ResultThatCannotBeEncodedIsDead": func(w *world) {
			goflow.NewJob[int, func()]("func").Handle(w.mux, func(context.Context, int) (func(), error) { return func() {}, nil })
			id := w.push("func", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Contains(w, w.wait(id).Error, "unsupported type")
			_, note := w.deadLetter()
			require.Equal(w, "result refused", note["reason"])
		},
		"ResultOverTheItemLimitIsDead": func(w *world) {
			goflow.NewJob[int, []byte]("big").Handle(w.mux, func(context.Context, int) ([]byte, error) { return make([]byte, 1<<20), nil })
			id := w.push("big", 1)
			w.process(w.newProcessor(), w.receive(w.queue))
			rec := w.wait(id)
			require.Equal(w, task.Dead, rec.State)
			require.Contains(w, rec.Error, "too large")
		},
		"RetryAfterSetsThePause": func(w *world) {
			goflow.NewJob[int, int]("later").Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, goflow.RetryAfter(time.Hour, errors.New("busy"))
			})
			w.push("later", 1)
			o := w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, goflow.Outcome{Action: goflow.Release, After: time.Hour}, o)
		},
		"PushPolicyWinsOverTheJob": func(w *world) {
			goflow.NewJob[int, int]("bad", goflow.MaxAttempts(9)).Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, errors.New("no")
			})
			id := w.push("bad", 1, goflow.MaxAttempts(1))
			w.process(w.newProcessor(goflow.MaxAttempts(7)), w.receive(w.queue))
			require.Equal(w, 1, w.wait(id).Attempts)
		},
		"ReceivesAreNotAttempts": func(w *world) {
			var attempt int
			goflow.NewJob[int, int]("once", goflow.MaxAttempts(2)).Handle(w.mux, func(ctx context.Context, _ int) (int, error) {
				info, _ := goflow.TaskFromContext(ctx)
				attempt = info.Attempt
				return 0, nil
			})
			id := w.push("once", 1)
			for range 6 { // throttles and releases raise the count
				d := w.receive(w.queue)
				require.NoError(w, w.queue.Extend(w.Context(), []port.Lease{{Delivery: d}}))
			}
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, task.Done, w.wait(id).State)
			require.Equal(w, 1, attempt)
		},
		"UnknownTypeIsGivenBackThenDead": func(w *world) {
			id := w.push("nobody", 1)
			p := w.newProcessor(goflow.UnknownTypeGrace(time.Minute))
			begin := time.Now()
			o := w.process(p, w.receive(w.queue))
			require.Equal(w, goflow.Release, o.Action)
			require.GreaterOrEqual(w, o.After, 5*time.Second)
			for o.Action == goflow.Release {
				o = w.process(p, w.receive(w.queue))
			}
			require.GreaterOrEqual(w, time.Since(begin), time.Minute)
			rec := w.wait(id)
			require.Equal(w, task.Dead, rec.State)
			require.Contains(w, rec.Error, goflow.ErrUnknownType.Error())
			_, note := w.deadLetter()
			require.Equal(w, "unknown type", note["reason"])
		},
		"MalformedMessageIsDeadUnderItsOwnID": func(w *world) {
			for _, body := range []string{`not json`, `{"v":2,"type":"a"}`, `{"v":1}`, `{"v":1,"type":"a b"}`, `{"v":1,"type":"a","codec":"zip"}`, `{"v":1,"type":"a","id":"7"}`, `{"v":1,"type":"a","options":{"maxAttempts":-1}}`, `[]`, `null`} {
				require.NoError(w, w.queue.Send(w.Context(), []port.Message{{Body: []byte(body)}}))
				d := w.receive(w.queue)
				require.Equal(w, goflow.Ack, w.process(w.newProcessor(), d).Action, body)
				rec := w.wait(d.ID)
				require.Equal(w, task.Dead, rec.State, body)
				letter, note := w.deadLetter()
				require.Equal(w, body, string(letter.Body))
				require.Equal(w, "malformed", note["reason"])
			}
			w.requireEmpty(w.queue)
		},
		"MessageByHandRunsUnderItsOwnID": func(w *world) {
			goflow.NewJob[string, string]("echo").Handle(w.mux, echo)
			require.NoError(w, w.queue.Send(w.Context(), []port.Message{{Body: []byte(`{"v":1,"type":"echo","payload":"by hand","more":1}`)}}))
			d := w.receive(w.queue)
			w.process(w.newProcessor(), d)
			require.JSONEq(w, `"by hand"`, string(w.wait(d.ID).Result))
		},
		"ExpiredTaskIsNotRun": func(w *world) {
			id := w.push("nobody", 1, goflow.ExpiresIn(time.Minute), goflow.Delay(2*time.Minute))
			w.process(w.newProcessor(), w.receive(w.queue))
			require.Equal(w, task.Expired, w.wait(id).State)
		},
		"RetryThatWouldOutliveTheMessageIsDead": func(w *world) {
			goflow.NewJob[int, int]("late").Handle(w.mux, func(context.Context, int) (int, error) {
				return 0, goflow.RetryAfter(10*time.Hour, errors.New("busy"))
			})
			id := w.push("late", 1, goflow.MaxAttempts(100))
			p := w.newProcessor()
			var rec goflow.Record
			for rec.State != task.Dead {
				w.process(p, w.receive(w.queue))
				var err error
				rec, err = w.client.Get(w.Context(), id)
				require.NoError(w, err)
			}
			require.Less(w, rec.Attempts, 100)
			w.deadLetter()
		},
		"CancelledTaskIsNotRun": func(w *world) {
			goflow.NewJob[int, int]("stop", goflow.Cancellable()).Handle(w.mux, func(context.Context, int) (int, error) {
				w.Error("ran")
				return 0, nil
			})
			id := w.push("stop", 1)
			require.NoError(w, w.client.Cancel(w.Context(), id))
			require.ErrorIs(w, w.client.Cancel(w.Context(), id), goflow.ErrFinished)
			require.Equal(w, goflow.Ack, w.process(w.newProcessor(), w.receive(w.queue)).Action)
			require.Equal(w, task.Cancelled, w.wait(id).State)
		},
	}
	for name, subtest := range subtests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subtest)
		})
	}
}
