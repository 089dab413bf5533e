// Package runtimeapi is Lambda to a function under test: it starts the
// function's process and serves it the Runtime API and, for SIGTERM, as much as
// that takes of the Extensions API. A Function is one process: whether another
// one follows when it has ended is for the test to say.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
package runtimeapi

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What Lambda gives a process.
const (
	// InitTime is until its first `next`.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
	InitTime = 10 * time.Second
	// ShutdownTime is from SIGTERM to SIGKILL.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
	ShutdownTime = 500 * time.Millisecond
)

// Function is a process that runs as a Lambda function.
type Function struct {
	Stdout, Stderr output

	t       testing.TB
	cmd     *exec.Cmd
	ready   chan struct{}    // closed by the first `next`
	ended   chan struct{}    // closed when the process has ended
	waiting chan *invocation // to whoever calls `next`

	mu         sync.Mutex
	started    time.Time
	readyAfter time.Duration
	initError  *Error
	registered bool
	pending    map[string]*invocation // by request ID
}

// Start starts a bootstrap in an environment of its own: env, and what Lambda
// adds. The process does not outlive the test.
func Start(t testing.TB, binary string, env ...string) *Function {
	t.Helper()
	f := &Function{
		t: t, ready: make(chan struct{}), ended: make(chan struct{}),
		waiting: make(chan *invocation), pending: map[string]*invocation{},
	}
	server := httptest.NewServer(f.routes())
	f.cmd = exec.CommandContext(t.Context(), binary)
	f.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=" + functionName, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
	}, env...)
	f.cmd.Stdout, f.cmd.Stderr = &f.Stdout, &f.Stderr
	f.cmd.WaitDelay = ShutdownTime // for a child of its own that holds the pipes
	f.exec()
	go func() {
		_ = f.cmd.Wait() // ProcessState keeps how
		close(f.ended)
	}()
	t.Cleanup(func() {
		f.kill()
		server.Close()
		if t.Failed() {
			t.Logf("the function wrote: %s%s", f.Stdout.String(), f.Stderr.String())
		}
	})
	return f
}

func (f *Function) exec() {
	f.t.Helper()
	f.mu.Lock()
	f.started = time.Now()
	f.mu.Unlock()
	require.NoError(f.t, f.cmd.Start())
}

// Ready waits for the first `next` and returns how long after the start it
// came. A process that does not get so far fails the test.
func (f *Function) Ready() time.Duration {
	f.t.Helper()
	select {
	case <-f.ready:
	case <-f.ended:
		require.FailNow(f.t, "the function ended before its first next", "%v, init error %+v", f.cmd.ProcessState, f.InitError())
	case <-time.After(InitTime):
		require.FailNow(f.t, "the function did not call next", "within %v", InitTime)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readyAfter
}

// InitError is what the function said of its failed start; nil if it said
// nothing.
func (f *Function) InitError() *Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.initError
}

// Exit waits until the process has ended by itself and returns how.
func (f *Function) Exit() *os.ProcessState {
	<-f.ended
	return f.cmd.ProcessState
}

// Stop ends the process as Lambda does and returns how it ended: a function
// that has registered an extension, as awslambda.WithEnableSIGTERM does, gets
// SIGTERM and some time to end in, most often ShutdownTime; any other one gets
// SIGKILL at once. (A build with -race takes a second to exit, unless its
// environment has GORACE=atexit_sleep_ms=0.)
func (f *Function) Stop(within time.Duration) *os.ProcessState {
	f.mu.Lock()
	graceful := f.registered
	f.mu.Unlock()
	if graceful {
		_ = f.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-f.ended:
		case <-time.After(within):
		}
	}
	f.kill()
	return f.cmd.ProcessState
}

func (f *Function) kill() {
	_ = f.cmd.Process.Kill() // it may have ended already
	<-f.ended
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write appends.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
