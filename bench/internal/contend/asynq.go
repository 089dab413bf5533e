package contend

import (
	"context"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

// asynqQueue keeps finished tasks for an hour, so that their results can be read:
// asynq has nothing that waits for one.
type asynqQueue struct {
	client    *asynq.Client
	inspector *asynq.Inspector
	server    *asynq.Server
	queue     string
}

func newAsynq(_ context.Context, s Settings) (Queue, error) {
	redis := asynq.RedisClientOpt{Addr: os.Getenv("BENCH_REDIS")}
	return &asynqQueue{
		client: asynq.NewClient(redis), inspector: asynq.NewInspector(redis), queue: s.Name,
		server: asynq.NewServer(redis, asynq.Config{
			Concurrency: s.Handlers, Queues: map[string]int{s.Name: 1}, LogLevel: asynq.ErrorLevel,
		}),
	}, nil
}

func (a *asynqQueue) Work(context.Context) error {
	return a.server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		_, err := t.ResultWriter().Write([]byte(reply))
		return err
	}))
}

func (a *asynqQueue) Push(ctx context.Context, payload string) (string, error) {
	info, err := a.client.EnqueueContext(ctx, asynq.NewTask("bench", []byte(payload)), asynq.Queue(a.queue), asynq.Retention(time.Hour))
	if err != nil {
		return "", err
	}
	return info.ID, nil
}

func (a *asynqQueue) Await(ctx context.Context, ids []string) error {
	return each(readers, ids, func(id string) error {
		return poll(ctx, func() (bool, error) {
			info, err := a.inspector.GetTaskInfo(a.queue, id)
			if err != nil || info.State != asynq.TaskStateCompleted {
				return false, err
			}
			return true, check(string(info.Result))
		})
	})
}
