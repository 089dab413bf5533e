package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// FuzzRequests sends bytes as the request of each method. Whatever they are, the
// answer is sound: only what is no message may be INTERNAL, which gRPC says of it.
func FuzzRequests(f *testing.F) {
	for _, request := range []proto.Message{
		&rpc.PushTaskRequest{TaskType: "echo", Payload: `{"a":1}`},
		&rpc.GetResultRequest{TaskID: id2},
		&rpc.PushTasksRequest{Tasks: []*rpc.Task{{
			TaskType: "echo", Payload: []byte("1"), GeneratedId: id1, Headers: map[string]string{"a": "b"}, Delay: durationpb.New(time.Second),
			ExpiresIn: durationpb.New(time.Hour), Track: true, Unique: &rpc.UniqueKey{Key: "k", Ttl: durationpb.New(time.Minute)},
			Policy: &rpc.RetryPolicy{MaxAttempts: 3, BackoffBase: durationpb.New(1), BackoffCap: durationpb.New(-1)},
		}, {Id: id2, TaskType: "echo", Group: "g", FairKey: "f", Queue: "q"}, nil}},
		&rpc.GetRecordsRequest{Ids: []string{id1, id2, "x"}, Fresh: true},
		&rpc.ListDeadLettersRequest{Filter: &rpc.DeadLetterFilter{
			Ids: []string{id1}, TaskType: "t", Reason: "r", Limit: -1, After: &timestamppb.Timestamp{Seconds: 1 << 60}, Before: timestamppb.Now(),
		}},
		&rpc.WatchTasksRequest{Ids: []string{id1, id1}},
	} {
		b, err := proto.Marshal(request)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, request []byte) {
		w := newWorld(t)
		w.dead = memory.NewBroker(memory.PollWait(0))
		dead, err := goflow.NewDeadLetterQueue(w.dead, w.broker, w.records)
		require.NoError(t, err)
		conn := w.serve(server.AdminDeadLetters(dead), server.Queues(server.Queue{Size: w.broker})).dial()
		for _, m := range methods(t) {
			// Waits and watches have nothing to wait for.
			ctx, cancel := context.WithTimeout(with(t.Context(), "all"), 20*time.Millisecond)
			err := invoke(ctx, conn, m, request)
			cancel()
			code := status.Code(err)
			bad := proto.Unmarshal(request, dynamicpb.NewMessage(m.Input())) != nil
			switch {
			case bad:
				require.Contains(t, []codes.Code{codes.Internal, codes.DeadlineExceeded}, code, "%s: %v", m.Name(), err)
			case code == codes.Unknown:
				require.NotNil(t, convert.Info(err), "%s: %v", m.Name(), err)
			default:
				require.NotContains(t, []codes.Code{codes.Internal, codes.Unavailable}, code, "%s: %v", m.Name(), err)
			}
		}
		require.NotContains(t, w.log.String(), "panic")
	})
}
