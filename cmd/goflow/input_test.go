package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/program"
)

// typed is an input that says text and then stays open; it tells when more is asked for.
type typed struct {
	text  io.Reader
	asked chan struct{}
}

// Read blocks for ever behind the text.
func (i *typed) Read(p []byte) (int, error) {
	if n, err := i.text.Read(p); err == nil {
		return n, nil
	}
	close(i.asked)
	select {}
}

// interrupted runs a command, gives it the signal once it has written so many lines and waits for its input, and returns
// what it said.
func interrupted(t *testing.T, text string, wrote int, args ...string) (stderr string) {
	t.Helper()
	stdout, out := io.Pipe()
	defer func() { _ = stdout.Close() }()
	in := &typed{strings.NewReader(text), make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- run(ctx, program.Surroundings{
			Args: args, Getenv: func(string) string { return "" }, Stdin: in, Stdout: out, Stderr: &errs,
		})
	}()
	written := bufio.NewReader(stdout)
	for range wrote {
		_, err := written.ReadString('\n')
		require.NoError(t, err)
	}
	<-in.asked
	stop()
	select {
	case code := <-ended:
		require.Equal(t, program.Stopped, code, errs.String())
	case <-time.After(10 * time.Second):
		require.Fail(t, "after the signal it still waits for its standard input")
	}
	return errs.String()
}

func TestSignalEndsWhatWaitsForItsInput(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	url, _ := doubtfulQueue(t, "q")
	require.Equal(t, "goflow: context canceled\n", interrupted(t, "[1,", 0, "push", "--queue-url", url, "mail", "-"))
	require.Equal(t, "goflow: drop all dead letters of q-dead for good? yes or no: \ngoflow: context canceled\n",
		interrupted(t, "", 0, "dlq", "drop", "--all", "--queue-url", url, "--dlq-url", url+"-dead"))
	flag, _ := emptyCluster(t, "")
	interrupted(t, "", 0, append(strings.Fields("destroy --delete-data --namespace jobs --table t"+flag), "--queue-url", url)...)
}

// Lines that were read are not pushed behind a signal, and are named.
func TestSignalEndsAPushOfLines(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	url, took := doubtfulQueue(t, "q")
	errs := interrupted(t, strings.Repeat(`{"type":"mail","payload":"a"}`+"\n", 13), 10, "push", "--queue-url", url, "-")
	require.Equal(t, "goflow: lines from 11 on were not pushed: context canceled\n", errs)
	require.Len(t, *took, 10)
}

// endless is an input without an end, up to a bound that no payload needs.
type endless struct{ read atomic.Int64 }

// Read reads ones.
func (e *endless) Read(p []byte) (int, error) {
	if e.read.Load() >= 128<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = '1'
	}
	e.read.Add(int64(len(p)))
	return len(p), nil
}

// A payload that no queue takes is refused before it takes all memory, as a line is.
func TestMemoryOfAPayloadIsBounded(t *testing.T) {
	t.Parallel()
	in := &endless{}
	var errs bytes.Buffer
	code := run(t.Context(), program.Surroundings{
		Args: []string{"push", "--queue-url", "http://127.0.0.1:1/q", "a", "-"}, Getenv: func(string) string { return "" },
		Stdin: in, Stdout: io.Discard, Stderr: &errs,
	})
	require.Equal(t, program.Usage, code)
	require.Equal(t, "goflow: payload: it has more than 8388608 bytes, which no queue takes: give less\n", errs.String())
	require.Less(t, in.read.Load(), int64(64<<20))
}
