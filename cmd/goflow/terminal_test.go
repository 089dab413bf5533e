package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// terminal is a program that runs in one.
type terminal struct {
	cmd    *exec.Cmd
	output chan string // all of it, at the end
	seen   chan string // as it comes
}

// onTerminal starts goflow in a pseudo-terminal.
func onTerminal(t *testing.T, s *session, env []string, args ...string) *terminal {
	t.Helper()
	shell := append([]string{"-c", `exec "$@"`, "sh", name}, args...) // finds it in the PATH of env
	cmd := exec.CommandContext(t.Context(), "sh", shell...)
	cmd.Dir, cmd.Env = s.dir, append(s.env, env...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	term := &terminal{cmd: cmd, output: make(chan string, 1), seen: make(chan string, 1000)}
	go func() {
		var all strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := file.Read(buf)
			all.Write(buf[:n])
			term.seen <- string(buf[:n])
			if err != nil { // EIO: the other side is closed
				term.output <- all.String()
				return
			}
		}
	}()
	return term
}

// await waits until the program has written something.
func (term *terminal) await(t *testing.T, text string) {
	t.Helper()
	var all strings.Builder
	timeout := time.After(time.Minute)
	for !strings.Contains(all.String(), text) {
		select {
		case more := <-term.seen:
			all.WriteString(more)
		case <-timeout:
			require.Fail(t, "the program did not write "+text, all.String())
		}
	}
}

func TestRedriveShowsABarOnATerminal(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	endpoint := *localstack.Config(t).BaseEndpoint
	programtest.UseEndpoint(t, endpoint)
	s := newSession(t, endpoint)
	client := awssqs.NewFromConfig(localstack.Config(t))
	for range 3 {
		_, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{
			QueueUrl: &s.settings.DLQURL, MessageBody: new(`{"v":1,"type":"sample.echo"}`),
		})
		require.NoError(t, err)
	}
	term := onTerminal(t, s, nil, "dlq", "redrive")
	text := <-term.output
	require.NoError(t, term.cmd.Wait(), text)
	full := "\r[" + strings.Repeat("#", barWidth) + "] 3 of about 3 "
	require.Regexp(t, `^(\r\[#*-*\] \d of about 3 )+\r\nredriven: 3\r\n$`, text)
	require.Contains(t, text, full)
	require.NotContains(t, text, "\x1b[", "nothing has colours")
}

func TestLogHasColoursOnATerminalUnlessNoColorIsSet(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	endpoint := *localstack.Config(t).BaseEndpoint
	programtest.UseEndpoint(t, endpoint)
	for env, coloured := range map[string]bool{"NO_COLOR=": true, "NO_COLOR=1": false} {
		s := newSession(t, endpoint)
		term := onTerminal(t, s, []string{env, "GOFLOW_GRPC_ADDR=127.0.0.1:0"}, "server")
		term.await(t, "server listens")
		require.NoError(t, term.cmd.Process.Signal(syscall.SIGTERM))
		text := <-term.output
		require.NoError(t, term.cmd.Wait(), text)
		require.Equal(t, coloured, strings.Contains(text, "\x1b["), text)
	}
}
