package goflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// settleTime bounds the storing of one outcome, also while the worker stops;
// limitsTime what is asked before it, and can be done without.
const (
	settleTime = 30 * time.Second
	limitsTime = 2 * time.Second
)

// Bounds of texts that are stored: an item costs more from 1 KiB on, and the
// attribute of a dead letter stays under 4 KiB.
const maxErrorText = 700

// settle turns what the handler returned into an outcome: done, retry or dead.
func (a *attempt) settle(ctx context.Context, cause error, r answer) Outcome {
	permanent, isPermanent := errors.AsType[*permanentError](r.err)
	snooze, snoozes := errors.AsType[*snoozeError](r.err)
	switch {
	case errors.Is(cause, ErrCancelled):
		return a.cancelled(ctx)
	case r.err == nil:
		return a.done(ctx, r.result)
	case errors.Is(cause, ErrLeaseLost):
		return Outcome{Action: Leave} // another worker has it, and its outcome counts
	case isPermanent:
		a.rec.Attempts++
		return a.bury(ctx, reasonPermanent, permanent)
	case cause != nil && !errors.Is(cause, ErrTimeout):
		return a.interrupt(ctx)
	case snoozes:
		return a.snooze(ctx, snooze.after)
	default:
		return a.retry(ctx, r.err)
	}
}

// done stores the result, if the job keeps any. Only then may the message be
// deleted.
func (a *attempt) done(ctx context.Context, result any) Outcome {
	if a.entry.noResult {
		if a.rec.Expires.IsZero() && !a.env.Tracked {
			return Outcome{Action: Ack} // there is no record that would stay open
		}
		result = nil
	}
	if a.keepsValues {
		a.rec.Value = result
	} else {
		var err error
		if a.rec.Result, err = marshal(result); err != nil {
			return a.bury(ctx, reasonResult, fmt.Errorf("result: %w", err))
		}
	}
	reason := a.rec.Error
	a.rec.State, a.rec.Error = task.Done, ""
	err := a.save(ctx)
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalid) {
		a.rec.State, a.rec.Error, a.rec.Result, a.rec.Value = task.Open, reason, nil, nil
		return a.bury(ctx, reasonResult, fmt.Errorf("result: %w", err))
	}
	if err != nil {
		return a.unsaved(ctx, err)
	}
	return Outcome{Action: Ack}
}

// retry records the failed attempt and gives the message back, unless it was
// the last one.
func (a *attempt) retry(ctx context.Context, err error) Outcome {
	a.rec.Attempts++
	after := a.policy.pause(a.rec.Attempts)
	if wish, ok := errors.AsType[*retryAfterError](err); ok {
		after = wish.after
	}
	if a.number >= a.policy.maxAttempts || !a.lasts(ctx, after) {
		return a.bury(ctx, reasonFailed, err)
	}
	a.rec.Error = text(err)
	return a.giveBack(ctx, after)
}

// snooze gives the message back without a failure, as long as the broker keeps
// it.
func (a *attempt) snooze(ctx context.Context, after time.Duration) Outcome {
	if !a.lasts(ctx, after) {
		return a.bury(ctx, reasonFailed, errOverslept)
	}
	return a.giveBack(ctx, after)
}

// errOverslept is why a task is dead that never failed.
var errOverslept = errors.New("put off for longer, or more often, than its queue keeps it")

// interrupt gives a run back that was cut off by the stop of its worker: such
// a run is no attempt. That is recorded, or who has it next takes the task for one
// that may have killed a process, or has never begun. A function that is stopped has
// no time for it.
func (a *attempt) interrupt(ctx context.Context) Outcome {
	if !a.until.IsZero() && !a.marked && a.rec.Epoch == 0 {
		return Outcome{Action: Release, interrupted: true}
	}
	outcome := a.giveBack(ctx, 0)
	outcome.interrupted = true
	return outcome
}

// giveBack records a return to the queue, which takes the start mark back and
// ends a claim, and releases the message.
func (a *attempt) giveBack(ctx context.Context, after time.Duration) Outcome {
	a.rec.GiveBacks++
	if a.marked {
		a.rec.Starts--
	}
	if err := a.save(ctx); err != nil {
		return a.unsaved(ctx, err)
	}
	return a.release(after)
}

// lasts tells whether the broker would still deliver the message after that
// pause.
func (a *attempt) lasts(ctx context.Context, after time.Duration) bool {
	limits := a.limits(ctx)
	if limits.MaxReceives > 0 && a.delivery.Receives >= limits.MaxReceives {
		return false
	}
	if limits.Retention == 0 || a.delivery.SentAt.IsZero() {
		return true
	}
	margin := min(retentionMargin, limits.Retention/10)
	return time.Since(a.delivery.SentAt)+after <= limits.Retention-margin
}

// limits are the broker's, or none while they cannot be read. They are asked
// for only where they matter: a task that succeeds at once needs none.
func (a *attempt) limits(ctx context.Context) port.Limits {
	most := limitsTime
	if !a.until.IsZero() { // what is to be stored has the better right to the time
		most = min(most, time.Until(a.settleBy())/4)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	limits, err := a.limitsOf(ctx)
	if err != nil {
		return port.Limits{}
	}
	return limits
}

// unknown gives a task back that no handler here knows, because another
// deployment may; after the grace it is dead. It counts no attempt.
func (a *attempt) unknown(ctx context.Context) Outcome {
	const shortest, longest = 5 * time.Second, time.Minute
	left := a.opts.unknownTypeGrace - a.now().Sub(a.delivery.FirstReceivedAt)
	after := min(shortest<<min(max(a.delivery.Receives, 0), 4), longest)
	if left <= 0 || !a.lasts(ctx, after) {
		return a.unrun(ctx, func() Outcome {
			return a.bury(ctx, reasonUnknown, fmt.Errorf("%w: %s", ErrUnknownType, a.env.Type))
		})
	}
	return a.release(min(shortest+jitter(after-shortest), left))
}

// end stores an outcome without a run.
func (a *attempt) end(ctx context.Context, state task.State) Outcome {
	a.rec.State = state
	if err := a.save(ctx); err != nil {
		return a.unsaved(ctx, err)
	}
	return Outcome{Action: Ack}
}

// finished ends a delivery whose task has an outcome already. A dead one may
// have died with its dead letter unsent.
func (a *attempt) finished(ctx context.Context, rec Record) Outcome {
	if rec.State == task.Dead && rec.Generation == a.rec.Generation {
		return a.sendDeadLetter(ctx, rec)
	}
	return Outcome{Action: Ack}
}

// unsaved decides after a Save that failed.
func (a *attempt) unsaved(ctx context.Context, err error) Outcome {
	switch {
	case errors.Is(err, port.ErrFinished):
		ctx, cancel := a.settling(ctx)
		defer cancel()
		rec, err := a.load(ctx)
		if err != nil {
			return a.trouble(err)
		}
		return a.finished(ctx, rec)
	case errors.Is(err, port.ErrFenced):
		return Outcome{Action: Leave} // a worker that was fenced out does not delete
	}
	return a.trouble(err)
}

// trouble leaves the message: without its record no outcome is certain.
func (a *attempt) trouble(err error) Outcome {
	return Outcome{Action: Leave, Err: fmt.Errorf("task %s: %w", a.rec.ID, err)}
}

// release gives the message back. SQS counts its 12 hours from the receive on,
// so a long run leaves less for the pause.
func (a *attempt) release(after time.Duration) Outcome {
	return Outcome{Action: Release, After: max(min(after, maxDelay-time.Since(a.opened)), 0)}
}

// save stores a.rec as it is after the run, which ends its claim.
func (a *attempt) save(ctx context.Context) error {
	a.rec.Expires = a.expires()
	if a.rec.Epoch > 0 {
		a.hold.endClaim()
	}
	return a.write(ctx)
}

// write stores a.rec. It goes on when ctx has ended: a run that is over is
// worth storing even while the worker stops.
func (a *attempt) write(ctx context.Context) error {
	ctx, cancel := a.settling(ctx)
	defer cancel()
	if a.unbounded != nil { // who saves has done with what it was given
		*a.room = [1]Record{a.rec}
		return retryOne(ctx, func() error { return a.store.Save(ctx, a.room[:]) })
	}
	return retryOne(ctx, func() error { return a.store.Save(ctx, []Record{a.rec}) })
}

func (a *attempt) load(ctx context.Context) (Record, error) { return loadOne(ctx, a.store, a.rec.ID) }

func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleTime)
}

// settling bounds what a home with an end does, so that it can still answer.
func (a *attempt) settling(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.unbounded != nil {
		return a.unbounded, func() {}
	}
	ctx, cancel := settling(ctx)
	if a.until.IsZero() {
		return ctx, cancel
	}
	bounded, cancelBound := context.WithDeadline(ctx, a.settleBy())
	return bounded, func() { cancelBound(); cancel() }
}

// settleBy is the latest that a home with an end can use what is stored: half of
// the handlers' grace before it, less some to give the message back.
func (a *attempt) settleBy() time.Time { return a.until.Add(-a.grace * 3 / 4) }

func (a *attempt) expires() time.Time {
	return a.opened.Add(time.Since(a.opened) + a.opts.shared.recordTTL) // now, by the quicker clock
}

// life is how long a record lasts from each time on that it is claimed for so long:
// with the record the claim would be gone, and others could run the task.
func (a *attempt) life(claim time.Duration) time.Duration {
	return max(a.opts.shared.recordTTL, claim+clocksDiffer)
}

// lease is what short pauses are measured by.
func (a *attempt) lease(ctx context.Context) time.Duration {
	return cmp.Or(a.limits(ctx).Lease, a.policy.timeout+2*handlerGrace)
}

// claimTime is how long a claim lasts: one lease, or where nobody renews it until
// the end of the home, which a handler that ignores its context runs up to.
func (a *attempt) claimTime(ctx context.Context) time.Duration {
	switch {
	case a.hold != nil:
		return a.lease(ctx)
	case !a.until.IsZero():
		return time.Until(a.until) + 2*handlerGrace
	}
	return a.policy.timeout + 2*handlerGrace
}

// text makes an error fit to be stored: valid UTF-8 without the characters
// that SQS refuses, and short.
func text(err error) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(err.Error(), "\uFFFD"))
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}

func logTask(id, taskType string) slog.Attr {
	return slog.Group("task", slog.String("id", id), slog.String("type", taskType))
}
