package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// async runs f, until it has nothing to do but wait.
func async(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	synctest.Wait()
	return done
}

func TestStopEndsWaitsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).serve()
		client, ctx := w.as("read")
		health, err := healthpb.NewHealthClient(w.dial()).Watch(ctx, &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		got, err := health.Recv()
		require.NoError(t, err)
		require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.GetStatus())
		waits := async(func() error { _, err := client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: id2}); return err })
		watches := async(func() error {
			_, err := all(client.WatchTasks(ctx, &rpc.WatchTasksRequest{Ids: []string{id2}}))
			return err
		})

		began := time.Now()
		require.NoError(t, w.stop())
		requireStatus(t, <-waits, codes.Unavailable, rpc.Reason_REASON_CLOSED)
		requireStatus(t, <-watches, codes.Unavailable, rpc.Reason_REASON_CLOSED)
		got, err = health.Recv()
		require.NoError(t, err)
		require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, got.GetStatus())
		_, err = health.Recv()
		require.Equal(t, codes.Unavailable, status.Code(err))
		require.Zero(t, time.Since(began))
		_, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
		require.Equal(t, codes.Unavailable, status.Code(err))
		require.ErrorIs(t, w.server.Serve(t.Context(), w.lis), port.ErrClosed)
	})
}

// TestStopWaitsForNoRequestThatHasNotCome: the caller has begun and says nothing.
func TestStopWaitsForNoRequestThatHasNotCome(t *testing.T) {
	t.Parallel()
	const late = 5 * time.Second // given to a request that is on its way, where gRPC alone waits for it
	for method, test := range map[string]struct {
		took time.Duration
		code codes.Code
	}{
		rpc.GoFlow_WatchTasks_FullMethodName: {0, codes.Unavailable},
		rpc.GoFlow_WaitTask_FullMethodName:   {late, codes.Canceled},
		healthpb.Health_Watch_FullMethodName: {late, codes.Canceled},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t).serve(server.Drain(20 * time.Second))
				stream, err := w.dial().NewStream(with(t.Context(), "read"), &grpc.StreamDesc{ServerStreams: true}, method)
				require.NoError(t, err)
				ends := async(func() error { return stream.RecvMsg(&rpc.WatchTasksResponse{}) })
				began := time.Now()
				require.NoError(t, w.stop())
				require.Equal(t, test.took, time.Since(began))
				err = <-ends
				require.Equal(t, test.code, status.Code(err), "%v", err)
				if test.code == codes.Unavailable {
					requireStatus(t, err, codes.Unavailable, rpc.Reason_REASON_CLOSED)
				}
			})
		})
	}
}

// slow pushes take a while.
func slow(took time.Duration) *fakeRemote {
	return &fakeRemote{push: func(ctx context.Context, _ []port.Push) error {
		select {
		case <-time.After(took):
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", port.ErrAmbiguous, ctx.Err())
		}
	}}
}

func TestStopDrainsPushes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		took time.Duration
		code codes.Code
		left string
	}{
		"InTime":  {4 * time.Second, codes.OK, ""},
		"TooLong": {6 * time.Second, codes.Unavailable, "1 calls still ran after 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := over(t, slow(c.took)).serve(server.Drain(5 * time.Second))
				client, ctx := w.as("push")
				pushes := async(func() error {
					_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
					return err
				})
				began := time.Now()
				err := w.stop()
				if c.left == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, c.left)
				}
				require.InDelta(t, min(c.took, 5*time.Second), time.Since(began), float64(time.Millisecond))
				require.Equal(t, c.code, status.Code(<-pushes))
			})
		})
	}
}

func TestMountedServerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t).serve()
	client, ctx := w.as("all")
	_, err := client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
	require.NoError(t, err)
	w.server.Shutdown()
	_, err = client.GetResult(ctx, &rpc.GetResultRequest{TaskID: id2})
	requireStatus(t, err, codes.Unavailable, rpc.Reason_REASON_CLOSED)
}

func TestCallsEndInTime(t *testing.T) {
	t.Parallel()
	t.Run("UnaryOnesWithTheHandlersTimeout", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, ctx := over(t, slow(time.Hour)).serve().as("push")
			began := time.Now()
			_, err := client.PushTask(ctx, &rpc.PushTaskRequest{TaskType: "echo", Payload: "1"})
			requireStatus(t, err, codes.Unknown, rpc.Reason_REASON_AMBIGUOUS) // it may have been queued
			require.Equal(t, server.DefaultHandlerTimeout, time.Since(began))
		})
	})
	t.Run("WaitsWithTheCallersDeadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, ctx := newWorld(t).serve().as("read")
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			began := time.Now()
			_, err := client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: id2})
			require.Equal(t, codes.DeadlineExceeded, status.Code(err))
			require.Equal(t, time.Minute, time.Since(began))
		})
	})
	t.Run("AllAfterAnHour", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, ctx := newWorld(t).serve().as("read")
			began := time.Now()
			watches := async(func() error {
				_, err := all(client.WatchTasks(ctx, &rpc.WatchTasksRequest{Ids: []string{id2}}))
				return err
			})
			_, err := client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: id2})
			require.Equal(t, codes.DeadlineExceeded, status.Code(err))
			require.Equal(t, codes.DeadlineExceeded, status.Code(<-watches))
			require.Equal(t, server.MaxCall, time.Since(began))
		})
	})
	t.Run("WithTheirCredential", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := newWorld(t).serve(server.Authenticate(custom(func(server.Credential) (server.Caller, error) {
				return server.Caller{Roles: []rpc.Role{rpc.Role_ROLE_READ}, Expires: began.Add(time.Minute)}, nil
			})))
			client, ctx := w.as("own")
			_, err := client.WaitTask(ctx, &rpc.WaitTaskRequest{Id: id2})
			requireStatus(t, err, codes.Unauthenticated, rpc.Reason_REASON_UNAUTHENTICATED)
			require.Equal(t, time.Minute, time.Since(began))
		})
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	watch := func(w *world, ids ...string) (rpc.GoFlow_WatchTasksClient, func() *rpc.Record) {
		client, ctx := w.as("read")
		stream, err := client.WatchTasks(ctx, &rpc.WatchTasksRequest{Ids: ids})
		require.NoError(w, err)
		return stream, func() *rpc.Record {
			got, err := stream.Recv()
			require.NoError(w, err)
			return got.GetRecord()
		}
	}
	t.Run("SendsEachChangeUntilAllHaveOutcomes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t).serve()
			w.save(id2, task.Done, 0)
			young := newID()
			stream, next := watch(w, strings.ToUpper(young), id2, young)
			require.Equal(t, rpc.State_STATE_UNKNOWN, next().GetState())
			require.Equal(t, rpc.State_STATE_DONE, next().GetState())
			for attempts := range int32(3) {
				time.Sleep(time.Minute)
				w.save(young, task.Open, int(attempts))
				rec := next()
				require.Equal(t, young, rec.GetId())
				require.Equal(t, rpc.State_STATE_OPEN, rec.GetState())
				require.Equal(t, attempts, rec.GetAttempts())
			}
			w.save(young, task.Dead, 3)
			began := time.Now()
			require.Equal(t, rpc.State_STATE_DEAD, next().GetState())
			require.LessOrEqual(t, time.Since(began), 5*time.Second)
			_, err := all[rpc.WatchTasksResponse](stream, nil)
			require.NoError(t, err)
		})
	})
	t.Run("SendsNothingOlder", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			looks := []port.Record{
				{State: task.Open, Generation: 1, Attempts: 1},
				{State: task.Open, Generation: 1, Attempts: 1},
				{State: task.Unknown},
				{State: task.Open, Generation: 1},
				{State: task.Open, Generation: 2},
				{State: task.Dead, Generation: 1, Attempts: 2},
				{State: task.Done, Generation: 2},
			}
			w := over(t, &fakeRemote{load: func([]string, bool) ([]port.Record, error) {
				rec := looks[0]
				rec.ID, looks = id2, looks[1:]
				return []port.Record{rec}, nil
			}}).serve()
			stream, next := watch(w, id2)
			require.EqualValues(t, 1, next().GetAttempts())
			require.EqualValues(t, 2, next().GetGeneration())
			require.Equal(t, rpc.State_STATE_DONE, next().GetState())
			_, err := all[rpc.WatchTasksResponse](stream, nil)
			require.NoError(t, err)
		})
	})
	t.Run("CostsEverLessWhileNothingHappens", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var reads atomic.Int64
			w := over(t, &fakeRemote{load: func(ids []string, _ bool) ([]port.Record, error) {
				reads.Add(1)
				return []port.Record{{ID: ids[0], State: task.Open, Generation: 1}}, nil
			}}).serve()
			_, next := watch(w, id2)
			next()
			time.Sleep(time.Minute)
			require.LessOrEqual(t, reads.Load(), int64(15))
			require.GreaterOrEqual(t, reads.Load(), int64(12))
		})
	})
	t.Run("LeavesOutWhatCannotBeFound", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t).serve()
			w.save(id2, task.Done, 0)
			stream, next := watch(w, ancient, id2)
			next()
			next()
			_, err := all[rpc.WatchTasksResponse](stream, nil)
			require.NoError(t, err)
			stream, next = watch(w, ancient)
			require.Equal(t, rpc.State_STATE_UNKNOWN, next().GetState())
			_, err = stream.Recv()
			requireStatus(t, err, codes.NotFound, rpc.Reason_REASON_NOT_FOUND)
		})
	})
	t.Run("RefusesBadIDs", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t).serve()
		for _, ids := range [][]string{nil, make([]string, 101), {id1, "x"}} {
			stream, _ := watch(w, ids...)
			_, err := stream.Recv()
			requireStatus(t, err, codes.InvalidArgument, rpc.Reason_REASON_INVALID)
		}
	})
}

// part answers what it is told to, and counts.
type part struct {
	err   atomic.Pointer[error]
	asked atomic.Int64
}

func (p *part) Check(context.Context) error {
	p.asked.Add(1)
	if err := p.err.Load(); err != nil {
		return *err
	}
	return nil
}

func TestProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queue := &part{}
		w := newWorld(t).serve(server.Ready("queue", queue))
		probe := func(path string) (int, string) {
			rec := httptest.NewRecorder()
			w.server.Probes().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			return rec.Code, rec.Body.String()
		}
		require200 := func(path string) {
			code, body := probe(path)
			require.Equal(t, http.StatusOK, code, body)
		}
		require200("/healthz")
		require200("/readyz")
		broken := port.ErrRefused
		queue.err.Store(&broken)
		require200("/readyz") // the answer holds for a while
		require.EqualValues(t, 1, queue.asked.Load())
		for range 2 {
			time.Sleep(6 * time.Second)
			code, body := probe("/readyz")
			require.Equal(t, http.StatusServiceUnavailable, code)
			require.Equal(t, "not ready: queue\n", body)
		}
		require.Equal(t, 1, strings.Count(w.log.String(), "not ready"))
		queue.err.Store(nil)
		time.Sleep(6 * time.Second)
		require200("/readyz")
		require.NoError(t, w.stop())
		code, _ := probe("/readyz")
		require.Equal(t, http.StatusServiceUnavailable, code)
		require200("/healthz")
	})
}

// A watch of health lasts: a client that uses gRPC's health checks takes its end
// for that of the server.
func TestWatchOfHealthOutlastsTheTimeOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t).serve()
		watch, err := healthpb.NewHealthClient(w.dial()).Watch(t.Context(), &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = watch.Recv()
		require.NoError(t, err)
		ended := async(func() error { _, err := watch.Recv(); return err })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		select {
		case err := <-ended:
			require.Fail(t, "the watch has ended", "%v", err)
		default:
		}
		require.NoError(t, w.stop())
		require.NoError(t, <-ended)
	})
}
