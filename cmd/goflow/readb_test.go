package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// stopped runs a command whose standard input stays open, and ends its context once it has written what is wanted to
// standard error, or after a while.
func stopped(t *testing.T, env map[string]string, args ...string) {
	t.Helper()
	stdin, feed := io.Pipe()
	t.Cleanup(func() { _ = feed.Close() })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, program.Surroundings{
			Args: args, Getenv: func(key string) string { return env[key] }, Stdin: stdin, Stdout: io.Discard, Stderr: io.Discard,
		})
	}()
	time.Sleep(time.Second)
	stop()
	select {
	case code := <-ended:
		require.Equal(t, program.Stopped, code)
	case <-time.After(5 * time.Second):
		t.Fatal("five seconds after the signal it still waits for its standard input")
	}
}

func TestReadBSignalEndsAPushOfLines(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	url := doubtfulQueue(t)
	stopped(t, nil, "push", "--queue-url", url, "-")
}

func TestReadBSignalEndsAQuestion(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	url := doubtfulQueue(t)
	stopped(t, nil, "dlq", "drop", "--all", "--queue-url", url, "--dlq-url", url+"-dead")
}

// Without dead letters a worker starts only where somebody says so (-no-dlq); deploy must not say it for them.
func TestReadBDeployWithoutDeadLettersThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, strings.Replace(deployArgs, "--dlq-url orders-dead ", "", 1)+" --dry-run")
	require.False(t, strings.Contains(out, "GOFLOW_NO_DLQ"), "it deploys workers that delete dead tasks")
	require.Equal(t, program.Usage, code, errs)
}

// A setting that deploy takes and its pods have, has to reach them.
func TestReadBDeployPassesTheRecordTTLOn(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, deployArgs+" --dry-run --record-ttl 720h")
	if code == program.OK {
		require.True(t, strings.Contains(out, "GOFLOW_RECORD_TTL"), "it was accepted and is silently ignored: %s", errs)
	}
}

// outageQueue is a FIFO queue that is too busy while busy says so of a call, by its number.
func outageQueue(t *testing.T, busy func(call int) bool, took *[]string) (url string) {
	t.Helper()
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessageBatch") {
			_, _ = fmt.Fprint(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q.fifo","FifoQueue":"true"}}`)
			return
		}
		var in struct {
			Entries []entry `json:"Entries"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		calls++
		var out struct {
			Successful []entry `json:"Successful"`
			Failed     []entry `json:"Failed"`
		}
		for _, e := range in.Entries {
			if busy(calls) || strings.Contains(e.Body, "doubt") {
				out.Failed = append(out.Failed, entry{ID: e.ID, Code: "InternalError"})
				continue
			}
			var body struct{ Payload string }
			_ = json.Unmarshal([]byte(e.Body), &body)
			*took = append(*took, body.Payload)
			sum := md5.Sum([]byte(e.Body))
			out.Successful = append(out.Successful, entry{ID: e.ID, Name: e.ID, Sum: hex.EncodeToString(sum[:])})
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(s.Close)
	programtest.UseEndpoint(t, s.URL)
	return s.URL + "/000000000000/q.fifo"
}

// The lines of a group keep their order (pushAll says so): behind one that was not pushed none of its group is.
func TestReadBLinesOfAGroupKeepTheirOrder(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	var took []string
	url := outageQueue(t, func(int) bool { return false }, &took)
	var in strings.Builder
	for i := range 30 {
		payload := fmt.Sprintf("%02d", i+1)
		if i == 3 {
			payload = "doubt"
		}
		fmt.Fprintf(&in, `{"type":"mail","payload":%q,"group":"g"}`+"\n", payload)
	}
	r := programtest.Main(run).Run(t, programtest.Call{Args: []string{"push", "--queue-url", url, "-"}, Stdin: in.String()})
	require.NotEqual(t, program.OK, r.Code)
	// Of one call SQS may take the later and not the earlier (docs/reliability.md); goflow.PushMany sends no further one.
	for _, payload := range took {
		require.LessOrEqual(t, payload, "10", "a later call pushed lines of the group though line 4 was not pushed")
	}
}

// docs/grpc.md: /metrics has what the server's calls to AWS come to.
func TestReadBServerCountsTheCallsOfARedriveOfAll(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		switch {
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListMessageMoveTasks") && calls > 3:
			_, _ = fmt.Fprint(w, `{"Results":[{"Status":"COMPLETED","StartedTimestamp":2,"ApproximateNumberOfMessagesMoved":1,"ApproximateNumberOfMessagesToMove":1}]}`)
		default:
			_, _ = fmt.Fprint(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q"}}`)
		}
	}))
	t.Cleanup(s.Close)
	programtest.UseEndpoint(t, s.URL)
	env := map[string]string{"GOFLOW_QUEUE_URL": s.URL + "/000000000000/q", "GOFLOW_DLQ_URL": s.URL + "/000000000000/dead", "GOFLOW_TABLE": "t"}
	_, c := newRoot(program.Surroundings{Getenv: func(key string) string { return env[key] }, Stdout: io.Discard, Stderr: io.Discard})
	sv := &serving{redrive: &redrive{dlq: dlq{cli: c}}, loader: c.server}
	sv.watch = append(sv.watch, sv.meter.Watch) // as run does
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := sv.redriveAll(ctx, func(server.Move) {})
	require.NoError(t, err)
	require.NotZero(t, calls)
	require.EqualValues(t, calls, sv.meter.Usage().Requests())
}

// docs/configuration.md: exit code 4 is for what timed out, 5 says that AWS refused or cannot be reached.
func TestReadBDeployOutOfTimeIsTimedOut(t *testing.T) {
	t.Parallel()
	c := &cluster{timeout: time.Second}
	require.Equal(t, program.TimedOut, program.Code(c.late(fmt.Errorf("deployment/goflow-server: 0 of 2 updated: %w", context.DeadlineExceeded))))
}

// What deploy and the table of settings take for --drain, the servers have to take too: they get the same variable.
func TestReadBServersStartWithEachDrainThatDeployTakes(t *testing.T) {
	t.Parallel()
	code, out, errs := goflowOn(t, deployArgs+" --dry-run --drain 2h")
	if code != program.OK {
		return // refused by one line before anything is deployed: fine, too
	}
	require.Contains(t, out, "GOFLOW_DRAIN: 2h0m0s", errs)
	l := config.NewLoader(config.Server, "--", func(name string) string { return map[string]string{"GOFLOW_DRAIN": "2h0m0s"}[name] })
	s, err := l.Load()
	require.NoError(t, err)
	client, err := goflow.NewClient(memory.NewBroker(), memory.NewStore())
	require.NoError(t, err)
	_, err = server.New(client, server.Authenticate(server.Anyone()), server.Drain(s.Drain))
	require.NoError(t, err, "every server that is deployed ends with this")
}

// endless is an input without an end, up to a bound that no payload needs.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read >= 128<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = '1'
	}
	e.read += len(p)
	return len(p), nil
}

// A payload that no queue takes is refused before it takes all memory, as a line is.
func TestReadBMemoryOfAPayloadIsBounded(t *testing.T) {
	t.Parallel()
	in := &endless{}
	code := run(t.Context(), program.Surroundings{
		Args: []string{"push", "--queue-url", "http://127.0.0.1:1/q", "a", "-"}, Getenv: func(string) string { return "" },
		Stdin: in, Stdout: io.Discard, Stderr: io.Discard,
	})
	require.Equal(t, program.Usage, code)
	require.Less(t, in.read, 64<<20)
}
