package pool_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/pool"
)

// TestMemoryToldToStopSaysWhatIsLeft: exit code 0 says that every line ran and was reported.
func TestMemoryToldToStopSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines int
		want  string
	}{
		"tasks":           {100, `^w: 100 tasks were not reported: run it again with the lines that have no outcome\n$`},
		"tasks and lines": {2000, `^w: 100\d tasks were not reported, and lines from 100\d on were not read: [^\n]*\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				stdout, results := io.Pipe()
				ended := make(chan int, 1)
				var errs bytes.Buffer
				go func() {
					ended <- pool.Program("w", slow())(ctx, program.Surroundings{
						Args: []string{"-memory", "-concurrency", "1", "-log-level", "error"}, Getenv: func(string) string { return "" },
						Stdin:  strings.NewReader(strings.Repeat(`{"type":"slow"}`+"\n", 1+test.lines)),
						Stdout: results, Stderr: &errs,
					})
				}()
				_, err := bufio.NewReader(stdout).ReadString('\n')
				require.NoError(t, err)
				synctest.Wait()
				stop()
				require.Equal(t, program.Stopped, <-ended)
				require.Regexp(t, test.want, errs.String())
			})
		})
	}
}

func slow() *goflow.Mux {
	mux := goflow.NewMux()
	goflow.NewJob[any, int]("slow").Handle(mux, func(context.Context, any) (int, error) {
		time.Sleep(time.Second)
		return 0, nil
	})
	return mux
}

// TestMemoryToldToStopBeforeItBegins: a line that nobody looked at did not run.
func TestMemoryToldToStopBeforeItBegins(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var errs bytes.Buffer
	code := pool.Program("w", slow())(ctx, program.Surroundings{
		Args: []string{"-memory"}, Getenv: func(string) string { return "" },
		Stdin: strings.NewReader(`{"type":"slow"}`), Stdout: io.Discard, Stderr: &errs,
	})
	require.Equal(t, program.Stopped, code)
	require.Contains(t, errs.String(), "w: lines from 1 on were not read: ")
}
