package main

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// serveRecords runs a server over records in memory until the test ends, and
// returns its address.
func serveRecords(t *testing.T, recs []port.Record) string {
	t.Helper()
	records := memory.NewStore()
	require.NoError(t, records.Save(t.Context(), recs))
	client, err := goflow.NewClient(memory.NewBroker(), records)
	require.NoError(t, err)
	srv, err := server.New(client, server.Authenticate(server.Anyone(rpc.Role_ROLE_PUSH, rpc.Role_ROLE_READ)))
	require.NoError(t, err)
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return listener.Addr().String()
}

// TestOutcomesAreExitCodes asks for each outcome in each way.
func TestOutcomesAreExitCodes(t *testing.T) {
	t.Parallel()
	outcomes := map[task.State]struct {
		code   int
		stderr string
	}{
		task.Done:      {program.OK, ""},
		task.Dead:      {program.Failed, "is dead: no such image\n"},
		task.Cancelled: {program.Failed, "is cancelled\n"},
		task.Expired:   {program.Failed, "is expired\n"},
	}
	ids, recs := map[task.State]string{}, []port.Record(nil)
	for state := range outcomes {
		rec := port.Record{ID: freshID(), State: state, Generation: 1, Expires: time.Now().Add(time.Hour)}
		if state == task.Done {
			rec.Result = []byte(`1`)
		}
		if state == task.Dead {
			rec.Error, rec.Attempts = "no such image", 1
		}
		ids[state], recs = rec.ID, append(recs, rec)
	}
	addr := serveRecords(t, recs)
	for state, want := range outcomes {
		for _, command := range []string{"get", "wait"} {
			for _, format := range []string{"text", "json", "yaml"} {
				r := programtest.Main(run).Run(t, programtest.Call{Args: []string{command, ids[state], "--server", addr, "-o", format}})
				about := []any{"%s of what is %s, as %s: %s", command, state, format, r.Stderr}
				require.Equal(t, want.code, r.Code, about...)
				if want.stderr == "" {
					require.Empty(t, r.Stderr, about...)
				} else {
					require.Equal(t, "goflow: task "+ids[state]+" "+want.stderr, r.Stderr, about...)
				}
				require.Equal(t, format == "text" && want.code != program.OK, r.Stdout == "", "data is written where there is some")
			}
		}
	}
}
