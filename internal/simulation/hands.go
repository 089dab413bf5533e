package simulation

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Result is what a run comes to. Each run has one that no other has.
type Result struct {
	By    string `json:"by,omitempty"`
	Large string `json:"large,omitempty"`
	Never any    `json:"never,omitempty"`
}

// hands are the handlers of one process.
type hands struct {
	*world
	process *cloud.Process
}

// mux registers the jobs of a process.
func (w *world) mux(p *cloud.Process) *goflow.Mux {
	h := &hands{world: w, process: p}
	mux := goflow.NewMux()
	for name, opts := range map[string][]goflow.JobOption{
		jobPlain: nil, jobOnce: {goflow.Once()}, jobCancellable: {goflow.Cancellable()}, jobNoResult: {goflow.NoResult()},
	} {
		opts = append(opts, goflow.MaxAttempts(maxAttempts), goflow.Timeout(runTimeout), goflow.Backoff(backoffBase, backoffCap))
		goflow.NewJob[Args, Result](name, opts...).Handle(mux, h.run)
	}
	return mux
}

// run is the handler of every job.
func (h *hands) run(ctx context.Context, in Args) (Result, error) {
	if h.process.Dead() { // what waited in it for a slot has got one without a call
		return Result{}, errors.New("killed")
	}
	info, _ := goflow.TaskFromContext(ctx)
	result := Result{By: h.process.Name + " " + h.log.Now().String() + " " + info.ID}
	h.note(info, history.Began, strconv.Itoa(in.N))
	err := h.work(ctx, info, in)
	if h.process.Dead() {
		return result, err
	}
	switch {
	case err != nil:
	case in.End == endLarge:
		result.Large = strings.Repeat("x", 500<<10)
	case in.End == endNever:
		result.Never = make(chan int)
	}
	h.note(info, history.Ended, outcome(result.By, err))
	switch {
	case err == nil && in.End == endPanic && info.Generation == 1:
		panic("as its errand says")
	case err == nil && in.End == endGoexit && info.Generation == 1:
		runtime.Goexit()
	}
	return result, err
}

// outcome is how a run ended: what it returned, or why it failed.
func outcome(by string, err error) string {
	if err != nil {
		return "failed: " + err.Error()
	}
	return "ok: " + by
}

func (h *hands) note(info goflow.Info, kind history.Kind, text string) {
	h.log.Add(history.Event{Actor: h.process.Name, Kind: kind, Task: info.ID, N: info.Attempt, Generation: info.Generation, Text: text})
}

// momentOfRuns is how long after a pause a handler goes on. A handler that does so
// before its worker has seen that a lease is over, can have an effect that another
// run has, too: docs/reliability.md says so.
const momentOfRuns = 20 * time.Millisecond

// work is what takes the time of a run.
func (h *hands) work(ctx context.Context, info goflow.Info, in Args) error {
	r := h.cloud.Stream("run", h.process.Name, info.ID)
	crashes := h.process.Mortal && h.weather.Strikes(r, cloud.CrashRun)
	if in.End == endDeaf && info.Attempt == 1 && info.Generation == 1 {
		ctx = context.WithoutCancel(ctx)
		in.Run = runTimeout + 10*time.Second
	}
	took := in.Run + time.Duration(1+r.Int64N(int64(time.Millisecond)))
	if crashes || in.End == endDie && info.Generation == 1 {
		pause(ctx, r, took/2)
		h.process.Kill()
	} else {
		cloud.Sleep(ctx, took)
	}
	if !h.process.Runs(r, momentOfRuns) {
		return errors.New("killed")
	}
	if ctx.Err() != nil {
		time.Sleep(time.Duration(1 + r.Int64N(int64(5*time.Millisecond)))) // others whose contexts ended now, too, return at other instants
		return context.Cause(ctx)
	}
	return h.end(info, in)
}

// end is the error of a run that was not cut off.
func (h *hands) end(info goflow.Info, in Args) error {
	switch {
	case info.Generation > 1:
		return nil // a person has mended what was wrong
	case info.Attempt <= in.Fail:
		return fmt.Errorf("attempt %d of %d that fail", info.Attempt, in.Fail)
	case in.End == endPermanent:
		return goflow.Permanent(errors.New("for good"))
	case in.End == endLater && info.Attempt == 1:
		return goflow.RetryAfter(retryAfter, errors.New("later"))
	case in.End == endSnooze && h.snoozed(info.ID) <= snoozes:
		return goflow.Snooze(time.Second)
	}
	return nil
}

// snoozed counts the snoozes of a task, as a handler would in a database.
func (w *world) snoozed(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snoozes[id]++
	return w.snoozes[id]
}
