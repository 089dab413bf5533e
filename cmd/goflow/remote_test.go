package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// callers are those who may call the server of a session, by their token files.
func callers() map[string]string {
	return map[string]string{"all": "push, read, admin", "producer": "push", "reader": "read"}
}

// TestSessionsThroughAServer plays what has no word of AWS in it as TestSessions
// does, but in a shell that knows a server alone, and then what is said of servers.
func TestSessionsThroughAServer(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	if *update {
		t.Skip("TestSessions writes them")
	}
	own, err := filepath.Glob("testdata/server/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, own)
	endpoint := *localstack.Config(t).BaseEndpoint
	programtest.UseEndpoint(t, endpoint)
	shared := []string{"testdata/sessions/push.txt", "testdata/sessions/read.txt", "testdata/sessions/outcomes.txt", "testdata/sessions/deadletters.txt"}
	for _, file := range append(shared, own...) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			throughServer(t, newSession(t, endpoint)).play(file)
		})
	}
}

// What a terminal shows is the move's progress as the server streams it.
func TestRedriveThroughAServerShowsABarOnATerminal(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
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
	term := onTerminal(t, throughServer(t, s), nil, "dlq", "redrive")
	text := <-term.output
	require.NoError(t, term.cmd.Wait(), text)
	require.Contains(t, text, "\r["+strings.Repeat("#", barWidth)+"] 3 of about 3 ")
	require.Regexp(t, `\r\nredriven: 3\r\n$`, text)
}

// throughServer starts a server for the session and takes away all that leads to
// AWS.
func throughServer(t *testing.T, s *session) *session {
	t.Helper()
	var credentials strings.Builder
	credentials.WriteString("tokens:\n")
	for caller, roles := range callers() {
		token := "a-token-for-" + caller
		fmt.Fprintf(&credentials, "- {name: %s, sha256: %x, roles: [%s]}\n", caller, sha256.Sum256([]byte(token)), roles)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, caller), []byte(token+"\n"), 0o600))
	}
	file := filepath.Join(s.dir, "credentials.yaml")
	require.NoError(t, os.WriteFile(file, []byte(credentials.String()), 0o600))
	address := startServer(t, append(s.env, "GOFLOW_GRPC_ADDR=127.0.0.1:0", "GOFLOW_CREDENTIALS="+file))
	s.env = slices.DeleteFunc(s.env, func(pair string) bool {
		return strings.HasPrefix(pair, "AWS_") || strings.HasPrefix(pair, "GOFLOW_") && !strings.HasPrefix(pair, actAs)
	})
	s.env = append(s.env, "GOFLOW_SERVER="+address, "GOFLOW_TOKEN_FILE="+filepath.Join(s.dir, "all"), "AWS_EC2_METADATA_DISABLED=true")
	// Of dead letters it is said which queue they are in, and here which server.
	s.names = strings.NewReplacer("server "+address, "{queue}-dead", address, "{server}", s.dir, "{dir}")
	return s
}

// startServer runs goflow server until the test ends, and returns its address.
func startServer(t *testing.T, env []string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "server") //nolint:noctx // it is stopped as an operator would
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines, address := bufio.NewReader(stderr), ""
	for address == "" {
		text, err := lines.ReadBytes('\n')
		require.NoError(t, err, "%s", text)
		var line struct {
			Address string `json:"address"`
		}
		require.NoError(t, json.Unmarshal(text, &line), "%s", text)
		address = line.Address
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, lines) // its log is of no interest any more
	}()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		<-drained
		require.NoError(t, cmd.Wait(), "it stops cleanly")
	})
	return address
}
