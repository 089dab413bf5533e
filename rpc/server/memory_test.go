package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// asServer makes this test's binary a server, which ends with its input.
const asServer = "GOFLOW_TEST_RPC_SERVER"

// Resident memory is that of a process that does nothing else than serve.
func TestRefusingLargeRequestsTakesNoMemory(t *testing.T) {
	if os.Getenv(asServer) != "" {
		serveForAnotherProcess(t)
		return
	}
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read from /proc, which only Linux has")
	}
	pid, at := startServer(t)
	conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // it is over

	const requests, together = 1000, 50
	large := make([]byte, 8<<20)
	refuse := func(token string) codes.Code {
		return status.Code(conn.Invoke(with(t.Context(), token), rpc.GoFlow_PushTasks_FullMethodName, large, nil, asIs()))
	}
	require.Equal(t, codes.ResourceExhausted, refuse("push"))
	require.Equal(t, codes.Unauthenticated, refuse("bad"))
	before := resident(t, pid, "VmRSS")

	got := make(chan map[codes.Code]int)
	for range together {
		go func() {
			seen := map[codes.Code]int{}
			for i := range requests / together {
				seen[refuse([]string{"push", "bad"}[i%2])]++
			}
			got <- seen
		}()
	}
	seen := map[codes.Code]int{}
	for range together {
		for code, n := range <-got {
			seen[code] += n
		}
	}
	require.Equal(t, map[codes.Code]int{codes.ResourceExhausted: requests / 2, codes.Unauthenticated: requests / 2}, seen)
	grown := resident(t, pid, "VmHWM") - before // its highest, whenever that was
	t.Logf("resident memory grew from %d by %d KiB at most", before, grown)
	require.LessOrEqual(t, grown, 64<<10)
}

// startServer runs this binary as a server, until the test ends.
func startServer(t *testing.T) (pid int, at string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), asServer+"=1")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		require.NoError(t, cmd.Wait())
	})
	at, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return cmd.Process.Pid, at[:len(at)-1]
}

func serveForAnotherProcess(t *testing.T) {
	t.Helper()
	static, err := server.Static(tokens())
	require.NoError(t, err)
	s, err := server.New(newWorld(t).client, server.Authenticate(static))
	require.NoError(t, err)
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	fmt.Println(lis.Addr())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	require.NoError(t, s.Serve(ctx, lis))
}

// resident is in KiB.
func resident(t *testing.T, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(t, found)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return n
}
