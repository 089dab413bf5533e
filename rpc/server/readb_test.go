package server_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// PushTasksRequest.tasks are "in the order that their groups keep": behind a task of a group that is refused, none of
// the group is queued, whatever it is refused for.
func TestReadBGroupWaitsForATaskThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]*rpc.Task{
		"by the core":   {TaskType: "no type", Group: "g"},
		"by the server": {TaskType: "echo", Group: "g", Id: id1, GeneratedId: id2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.broker = memory.NewBroker(memory.Ordered(), memory.PollWait(time.Second))
			var err error
			w.client, err = goflow.NewClient(w.broker, w.records)
			require.NoError(t, err)
			w.serve()
			client, ctx := w.as("push")
			answer, err := client.PushTasks(ctx, &rpc.PushTasksRequest{Tasks: []*rpc.Task{
				{TaskType: "echo", Group: "g"}, bad, {TaskType: "echo", Group: "g"}, {TaskType: "echo", Group: "other"},
			}})
			require.NoError(t, err)
			r := answer.GetResults()
			require.Nil(t, r[0].GetError())
			require.NotNil(t, r[1].GetError())
			require.NotNil(t, r[2].GetError(), "it was queued though the one before it in its group was not")
			require.Nil(t, r[3].GetError())
		})
	}
}

// docs/grpc.md: a server that stops ends waits, watches and other streams at once.
func TestReadBStopEndsAStreamWhoseRequestHasNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).serve(server.Drain(20 * time.Second))
		stream, err := w.dial().NewStream(with(t.Context(), "read"), &grpc.StreamDesc{ServerStreams: true}, rpc.GoFlow_WatchTasks_FullMethodName)
		require.NoError(t, err)
		ends := async(func() error { return stream.RecvMsg(&rpc.WatchTasksResponse{}) })
		began := time.Now()
		require.NoError(t, w.stop())
		require.Zero(t, time.Since(began))
		requireStatus(t, <-ends, codes.Unavailable, rpc.Reason_REASON_CLOSED)
	})
}
