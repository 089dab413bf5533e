package contend

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// riverPage is how many jobs a listing has at most.
const riverPage = 100

type riverQueue struct {
	client *river.Client[pgx.Tx]
	queue  string
}

type riverArgs struct {
	Payload string `json:"payload"`
}

func (riverArgs) Kind() string { return "bench" }

type riverWorker struct {
	river.WorkerDefaults[riverArgs]
}

func (riverWorker) Work(ctx context.Context, _ *river.Job[riverArgs]) error {
	return river.RecordOutput(ctx, reply)
}

func newRiver(ctx context.Context, s Settings) (Queue, error) {
	pool, err := pgxpool.New(ctx, os.Getenv("BENCH_POSTGRES"))
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{})
	client, err := river.NewClient(driver, &river.Config{
		Logger: log, Workers: workers, Queues: map[string]river.QueueConfig{s.Name: {MaxWorkers: s.Handlers}},
	})
	return &riverQueue{client, s.Name}, err
}

func (r *riverQueue) Work(ctx context.Context) error { return r.client.Start(ctx) }

func (r *riverQueue) Push(ctx context.Context, payload string) (string, error) {
	inserted, err := r.client.Insert(ctx, riverArgs{payload}, &river.InsertOpts{Queue: r.queue})
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(inserted.Job.ID, 10), nil
}

// Await lists those that are left, page by page.
func (r *riverQueue) Await(ctx context.Context, ids []string) error {
	left := make([]int64, len(ids))
	for i, id := range ids {
		var err error
		if left[i], err = strconv.ParseInt(id, 10, 64); err != nil {
			return err
		}
	}
	return each(1, slices.Collect(slices.Chunk(left, riverPage)), func(page []int64) error {
		return poll(ctx, func() (bool, error) {
			var err error
			page, err = r.look(ctx, page)
			return len(page) == 0, err
		})
	})
}

// look returns those that are not completed.
func (r *riverQueue) look(ctx context.Context, page []int64) ([]int64, error) {
	listed, err := r.client.JobList(ctx, river.NewJobListParams().IDs(page...).First(len(page)).
		States(rivertype.JobStateCompleted))
	if err != nil {
		return page, err
	}
	for _, job := range listed.Jobs {
		var result string
		if err := json.Unmarshal(job.Output(), &result); err != nil {
			return page, err
		}
		if err := check(result); err != nil {
			return page, err
		}
		page = slices.DeleteFunc(page, func(id int64) bool { return id == job.ID })
	}
	return page, nil
}
