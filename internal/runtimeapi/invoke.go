package runtimeapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// The errors that Lambda itself finds.
const (
	ExitError    = "Runtime.ExitError"
	TimeoutError = "Sandbox.Timedout"
	// ContextError is no error of Lambda's: the test's context has ended.
	ContextError = "Test.ContextEnded"
)

// Error is a function's error, as the Runtime API writes it.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Result is how an invocation ended.
type Result struct {
	Payload []byte // the answer
	Error   *Error // nil: there is an answer
	// Exited tells that the process ended during the invocation, which lasts
	// until the function asks for the next one: it may have answered before.
	Exited bool
}

// invocation is an event on its way through the function.
type invocation struct {
	id      string
	payload []byte
	timeout time.Duration

	result   Result // guarded by the function's mutex, like answered
	answered bool
	complete chan struct{} // closed by the `next` that follows the answer
}

// Invoke hands the event to the function and waits until the invocation is
// over: answered and followed by a `next`, or ended by an exit. At the end of
// the timeout, which counts from when the function takes the event, the
// process is killed.
func (f *Function) Invoke(ctx context.Context, payload []byte, timeout time.Duration) Result {
	inv := &invocation{id: rand.Text(), payload: payload, timeout: timeout, complete: make(chan struct{})}
	f.mu.Lock()
	f.pending[inv.id] = inv
	f.mu.Unlock()
	defer f.forget(inv)
	select {
	case f.waiting <- inv:
	case <-f.ended:
		return f.exited(inv)
	case <-ctx.Done():
		return failed(ContextError, ctx.Err().Error())
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-inv.complete:
		return inv.result
	case <-f.ended:
		return f.exited(inv)
	case <-ctx.Done():
		return failed(ContextError, ctx.Err().Error())
	case <-timer.C:
		f.kill()
		r := failed(TimeoutError, fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds()))
		r.Exited = true
		return r
	}
}

// exited is the result of an invocation whose process has ended.
func (f *Function) exited(inv *invocation) Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := inv.result
	if !inv.answered {
		r = failed(ExitError, "Runtime exited: "+f.cmd.ProcessState.String())
	}
	r.Exited = true
	return r
}

func failed(kind, message string) Result {
	return Result{Error: &Error{Type: kind, Message: message}}
}

// answer keeps a function's answer; false if nobody waits for it.
func (f *Function) answer(id string, r Result) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv := f.pending[id]
	if inv == nil || inv.answered {
		return false
	}
	inv.result, inv.answered = r, true
	return true
}

// completeAnswered ends the invocations that the function has answered.
func (f *Function) completeAnswered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, inv := range f.pending {
		if inv.answered {
			delete(f.pending, id)
			close(inv.complete)
		}
	}
}

func (f *Function) forget(inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, inv.id)
}
