package goflow

import (
	"context"
	"time"
)

// suspicious tells whether a task that left no trace of an earlier receive is a
// suspect: it was started before without an outcome, or has no second chance.
func (a *attempt) suspicious() bool {
	return a.rec.Starts > 0 || a.number >= a.policy.maxAttempts
}

// mayRunSuspect takes the place of the one suspect that may run, if the task
// is one. A message near its end does not wait.
func (a *attempt) mayRunSuspect(ctx context.Context) bool {
	if !a.suspicious() || !a.lasts(ctx, a.suspectPause(ctx)) {
		return true
	}
	select {
	case a.suspects <- struct{}{}:
		a.suspect = true
		return true
	default:
		return false
	}
}

// suspectPause grows with the receives, which the broker may have limited.
func (a *attempt) suspectPause(ctx context.Context) time.Duration {
	half := a.lease(ctx) / 2
	return half + jitter(half*time.Duration(min(a.delivery.Receives, 20)))
}

func (a *attempt) clear() {
	if a.suspect {
		<-a.suspects
		a.suspect = false
	}
}
