package server_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/internal/allocs"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// A request may make client and server allocate perByte bytes for each of its own, for
// each method, beside allocs.Spare; a call counts as perCall more, for the connection
// that the first one makes.
const (
	perByte = 128
	perCall = 4096
)

// FuzzRequests sends bytes as the request of each method. Whatever they are, the answer
// is sound: OK, a code that docs/grpc.md names for its reason, and INTERNAL only for what
// is no message, which gRPC itself says of it.
func FuzzRequests(f *testing.F) {
	f.Fuzz(checkRequest)
}

func TestMemoryOfRequestsIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 64 << 10
	for _, unit := range []string{"\x0a\x00", "\x0a\x02\x0a\x00", "\x0a\x02\x2a\x00", "\x18\x01", "\x1b", "\x13\x14"} {
		checkRequest(t, []byte(strings.Repeat(unit, size/len(unit))))
	}
}

func checkRequest(t *testing.T, request []byte) {
	t.Helper()
	all := methods(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dead = memory.NewBroker(memory.PollWait(time.Second))
		dead, err := goflow.NewDeadLetterQueue(w.dead, w.broker, w.records)
		require.NoError(t, err)
		conn := w.serve(server.AdminDeadLetters(dead), server.Queues(server.Queue{Size: w.broker})).dial()
		requirePushed(t, w, rpc.NewGoFlowClient(conn), request)
		allocs.Within(t, (len(request)+perCall)*len(all), perByte, func() {
			for _, m := range all {
				ctx, cancel := context.WithTimeout(with(t.Context(), "all"), time.Minute) // for waits, on the bubble's time
				err := invoke(ctx, conn, m, request)
				cancel()
				requireDocumented(t, m, request, err)
			}
		})
		require.NotContains(t, w.log.String(), "panic")
	})
}

// requirePushed pushes what the request is, if it is any tasks: the answer has one result
// for each, and who is told that a task was queued finds it in the queue.
func requirePushed(t *testing.T, w *world, client rpc.GoFlowClient, request []byte) {
	t.Helper()
	var tasks rpc.PushTasksRequest
	if proto.Unmarshal(request, &tasks) != nil || len(tasks.GetTasks()) < 1 || len(tasks.GetTasks()) > 100 {
		return
	}
	answer, err := client.PushTasks(with(t.Context(), "all"), &tasks)
	require.NoError(t, err)
	require.Len(t, answer.GetResults(), len(tasks.GetTasks()))
	queued := map[string]bool{}
	for _, r := range answer.GetResults() {
		switch {
		case r.GetError() == nil:
			require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, r.GetId())
			queued[r.GetId()] = true
		default:
			require.Contains(t, documented(), r.GetError().GetReason().String(), "%v", r)
		}
	}
	size, err := w.broker.Size(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, len(queued), size.Waiting+size.Delayed)
}

// documented are the reasons that a request can have, and their codes.
func documented() map[string]codes.Code {
	return map[string]codes.Code{
		"REASON_INVALID": codes.InvalidArgument, "REASON_TOO_LARGE": codes.InvalidArgument, "REASON_NOT_FOUND": codes.NotFound,
		"REASON_DUPLICATE_TASK": codes.AlreadyExists, "REASON_NOT_UNIQUE": codes.AlreadyExists, "REASON_FINISHED": codes.FailedPrecondition,
	}
}

// requireDocumented wants an error that a request can be the reason of.
func requireDocumented(t *testing.T, m protoreflect.MethodDescriptor, request []byte, err error) {
	t.Helper()
	code, info := status.Code(err), convert.Info(err)
	if proto.Unmarshal(request, dynamicpb.NewMessage(m.Input())) != nil {
		require.Equal(t, codes.Internal, code, "%s: %v", m.Name(), err)
		return
	}
	if info == nil { // gRPC's own, and the end of a wait
		require.Contains(t, []codes.Code{codes.OK, codes.DeadlineExceeded, codes.Unimplemented}, code, "%s: %v", m.Name(), err)
		return
	}
	require.Contains(t, documented(), info.GetReason(), "%s: %v", m.Name(), err)
	require.Equal(t, documented()[info.GetReason()], code, "%s: %v", m.Name(), err)
}
