package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/runtimeapi"
)

// modeVariable makes this test binary a bootstrap.
const modeVariable = "RUNTIMEAPI_TEST_MODE"

// soon is more than anything takes here that is to end by itself.
const soon = 20 * time.Second

func TestMain(m *testing.M) {
	switch os.Getenv(modeVariable) {
	case "":
		os.Exit(m.Run())
	case "start fails":
		failStart()
	case "ends at once":
		os.Exit(7)
	case "hook":
		awslambda.StartWithOptions(handle, awslambda.WithEnableSIGTERM(func() {
			fmt.Println("hook has run")
			os.Exit(0)
		}))
	case "deaf hook":
		awslambda.StartWithOptions(handle, awslambda.WithEnableSIGTERM(func() {}))
	default:
		awslambda.Start(handle)
	}
}

// failStart says why it cannot start, as a runtime does.
func failStart() {
	body := strings.NewReader(`{"errorType":"Config","errorMessage":"no table"}`)
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	resp, err := http.Post(url, "application/json", body) //nolint:noctx // a process of a few lines
	if err == nil {
		_ = resp.Body.Close()
		os.Exit(3)
	}
	os.Exit(1)
}

// answer is what the bootstrap's handler returns.
type answer struct {
	Echo     string    `json:"echo"`
	Deadline time.Time `json:"deadline"`
	Env      []string  `json:"env"`
}

// lastWords is an answer that ends the process once it has been sent.
type lastWords struct{ *strings.Reader }

// Close is called between the answer and the next invocation.
func (lastWords) Close() error {
	os.Exit(5)
	return nil
}

// handle does what the event says.
func handle(ctx context.Context, event string) (any, error) {
	switch event {
	case "fail":
		return nil, errors.New("it failed")
	case "panic":
		panic("it panicked")
	case "exit":
		os.Exit(9)
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "hang":
		select {}
	case "exit after the answer":
		return lastWords{strings.NewReader("done")}, nil
	}
	deadline, _ := ctx.Deadline()
	return answer{Echo: event, Deadline: deadline, Env: os.Environ()}, nil
}

func start(t *testing.T, mode string, env ...string) *runtimeapi.Function {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	env = append(env, modeVariable+"="+mode, "GORACE=atexit_sleep_ms=0") // a race build would exit a second late
	return runtimeapi.Start(t, self, env...)
}

func event(t *testing.T, what string) []byte {
	t.Helper()
	raw, err := json.Marshal(what)
	require.NoError(t, err)
	return raw
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	f := start(t, "plain", "GIVEN=1")
	ready := f.Ready()
	require.Positive(t, ready)
	for _, text := range []string{"one", strings.Repeat("é", 3<<20)} { // up to Lambda's 6 MB
		before := time.Now()
		r := f.Invoke(t.Context(), event(t, text), time.Minute)
		require.Nil(t, r.Error)
		require.False(t, r.Exited)
		var got answer
		require.NoError(t, json.Unmarshal(r.Payload, &got))
		require.Equal(t, text, got.Echo)
		require.WithinRange(t, got.Deadline, before.Add(time.Minute-time.Millisecond), time.Now().Add(time.Minute))
		require.Contains(t, got.Env, "GIVEN=1")
		require.Contains(t, got.Env, "AWS_LAMBDA_FUNCTION_NAME=function-under-test")
		for _, v := range got.Env {
			require.False(t, strings.HasPrefix(v, "PATH="), "the function sees the test's environment: %s", v)
		}
	}
	require.Equal(t, ready, f.Ready(), "a second next is no start")
}

func TestFunctionErrorLeavesTheProcess(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	r := f.Invoke(t.Context(), event(t, "fail"), soon)
	require.Equal(t, runtimeapi.Result{Error: &runtimeapi.Error{Type: "errorString", Message: "it failed"}}, r)
	require.Nil(t, f.Invoke(t.Context(), event(t, "again"), soon).Error)
}

func TestPanicEndsTheProcess(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	r := f.Invoke(t.Context(), event(t, "panic"), soon)
	require.Equal(t, runtimeapi.Result{Error: &runtimeapi.Error{Type: "string", Message: "it panicked"}, Exited: true}, r)
	require.Equal(t, 1, f.Exit().ExitCode())
	require.Contains(t, f.Stderr.String(), "it panicked")
}

func TestExitFailsTheInvocationAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	for range 2 { // the second finds no process
		r := f.Invoke(t.Context(), event(t, "exit"), time.Hour)
		require.Equal(t, runtimeapi.Result{
			Error:  &runtimeapi.Error{Type: runtimeapi.ExitError, Message: "Runtime exited: exit status 9"},
			Exited: true,
		}, r)
	}
}

func TestExitAfterTheAnswerKeepsIt(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	r := f.Invoke(t.Context(), event(t, "exit after the answer"), soon)
	require.Equal(t, runtimeapi.Result{Payload: []byte("done"), Exited: true}, r)
	require.Equal(t, 5, f.Exit().ExitCode())
}

func TestTimeoutKillsTheProcess(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	f.Ready()
	r := f.Invoke(t.Context(), event(t, "hang"), 300*time.Millisecond)
	require.Equal(t, runtimeapi.Result{
		Error:  &runtimeapi.Error{Type: runtimeapi.TimeoutError, Message: "Task timed out after 0.30 seconds"},
		Exited: true,
	}, r)
	require.Equal(t, "signal: killed", f.Exit().String())
}

func TestContextOfTheTestEndsTheWaitOnly(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, runtimeapi.ContextError, f.Invoke(ctx, event(t, "hang"), soon).Error.Type)
	f.Ready()
}

func TestOutputIsKept(t *testing.T) {
	t.Parallel()
	f := start(t, "plain")
	require.Nil(t, f.Invoke(t.Context(), event(t, "print"), soon).Error)
	require.Equal(t, "signal: killed", f.Stop(soon).String(), "no extension, no SIGTERM")
	require.Equal(t, "to stdout\n", f.Stdout.String())
	require.Equal(t, "to stderr\n", f.Stderr.String())
}

func TestHookRunsAtTheStop(t *testing.T) {
	t.Parallel()
	f := start(t, "hook")
	require.Nil(t, f.Invoke(t.Context(), event(t, "one"), soon).Error)
	require.Equal(t, 0, f.Stop(soon).ExitCode())
	require.Equal(t, "hook has run\n", f.Stdout.String())
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	f := start(t, "deaf hook")
	f.Ready()
	require.Equal(t, "signal: killed", f.Stop(100*time.Millisecond).String())
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	f := start(t, "start fails")
	require.Equal(t, 3, f.Exit().ExitCode())
	require.Equal(t, &runtimeapi.Error{Type: "Config", Message: "no table"}, f.InitError())

	f = start(t, "ends at once")
	r := f.Invoke(t.Context(), event(t, "one"), time.Hour)
	require.Equal(t, "Runtime exited: exit status 7", r.Error.Message)
	require.Nil(t, f.InitError())
}

func TestSeveralInvocationsAtOnce(t *testing.T) {
	t.Parallel()
	const at = 4
	f := start(t, "plain", fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY=%d", at))
	results := make([]runtimeapi.Result, at)
	var invoking sync.WaitGroup
	for i := range at {
		payload := event(t, fmt.Sprint(i))
		invoking.Go(func() { results[i] = f.Invoke(t.Context(), payload, soon) })
	}
	invoking.Wait()
	for i, r := range results {
		require.Nil(t, r.Error)
		require.True(t, bytes.Contains(r.Payload, fmt.Appendf(nil, `"echo":"%d"`, i)), string(r.Payload))
	}
}
