package pool_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/pool"
)

// A NoResult task that has a row beforehand (track, its own ID) must end, too.
func TestReadBMemoryEndsWithTrackedNoResult(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"track":     `{"type":"mail","payload":1,"track":true}`,
		"id":        `{"type":"mail","payload":1,"idFrom":"a"}`,
		"same id":   `{"type":"mail","payload":1,"idFrom":"a"}` + "\n" + `{"type":"mail","payload":1,"idFrom":"a"}`,
		"unique":    `{"type":"mail","payload":1,"unique":"k","uniqueFor":"1m"}`,
		"expiresIn": `{"type":"mail","payload":1,"expiresIn":"1m"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := goflow.NewMux()
			goflow.NewJob[int, int]("mail", goflow.NoResult()).Handle(mux, func(_ context.Context, n int) (int, error) { return n, nil })
			ended := make(chan int, 1)
			var out, errs bytes.Buffer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				ended <- pool.Program("w", mux)(ctx, program.Surroundings{
					Args: []string{"-memory"}, Getenv: func(string) string { return "" }, Stdin: strings.NewReader(line), Stdout: &out, Stderr: &errs,
				})
			}()
			select {
			case code := <-ended:
				require.Equal(t, program.OK, code, errs.String())
				require.Equal(t, strings.Count(line, "\n")+1, strings.Count(out.String(), `"state":"done"`), out.String())
			case <-time.After(10 * time.Second):
				t.Fatal("it never ends")
			}
		})
	}
}

// docs/configuration.md: exit code 0 of -memory says that every line ran.
func TestReadBMemoryToldToStopSaysThatLinesDidNotRun(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stdout, results := io.Pipe()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	mux := goflow.NewMux()
	goflow.NewJob[int, int]("slow").Handle(mux, func(_ context.Context, n int) (int, error) {
		if n > 0 {
			time.Sleep(50 * time.Millisecond)
		}
		return n, nil
	})
	go func() {
		ended <- pool.Program("w", mux)(ctx, program.Surroundings{
			Args: []string{"-memory", "-concurrency", "1", "-log-level", "error"}, Getenv: func(string) string { return "" },
			Stdin:  strings.NewReader(`{"type":"slow","payload":0}` + "\n" + strings.Repeat(`{"type":"slow","payload":1}`+"\n", 100)),
			Stdout: results, Stderr: &errs,
		})
	}()
	_, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	stop()
	code := <-ended
	require.NotEqual(t, program.OK, code, "about 100 lines did not run, standard error: %q", errs.String())
}
