package pool

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/lines"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// memoryJob is what -memory is made of.
type memoryJob struct {
	name     string
	settings config.Settings
	loader   *config.Loader
	mux      *goflow.Mux
	log      *slog.Logger
}

// maxWaiting bounds the tasks that are pushed and not yet reported, and so how
// far the input is read ahead.
const maxWaiting = 1000

// lastRead is how long a stop waits for a read of the input that may be about to
// end: one that takes longer waits for lines that nobody has written.
const lastRead = 200 * time.Millisecond

// workInMemory runs the tasks on standard input and ends when the last one is
// reported. When ctx ends it drains, reports no more, and says what is left.
func workInMemory(ctx context.Context, around program.Surroundings, j memoryJob) error {
	if !j.loader.Given("unknown-type-grace") {
		j.settings.UnknownTypeGrace = 0 // there is no other worker that could know the type
	}
	broker := &ackedBroker{
		Broker: memory.NewBroker(memory.Lease(j.settings.Lease), memory.PollWait(j.settings.PollWait)), ended: map[string]context.CancelFunc{},
	}
	store := memory.NewStore()
	worker, err := goflow.NewWorker(broker, store, j.mux, append(config.WorkerOptions(j.settings, j.log), goflow.NoDeadLetters())...)
	if err != nil {
		return err
	}
	client, err := goflow.NewClient(broker, store, goflow.RecordTTL(j.settings.RecordTTL))
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	r := &reporter{name: j.name, client: client, broker: broker, around: around, room: make(chan struct{}, maxWaiting)}
	reported := make(chan error, 1)
	go func() { reported <- r.all(working) }()
	select {
	case err = <-reported:
		stop()
		if workErr := <-ended; workErr != nil {
			err = workErr
		}
	case err = <-ended: // told to stop, or unable to go on; a read of the input may block for ever
		stop()
		select {
		case readErr := <-reported:
			err = cmp.Or(err, readErr)
		case <-time.After(lastRead):
		}
	}
	return r.left(err)
}

// reporter pushes the tasks on standard input and writes their outcomes, in
// the order in which they come.
type reporter struct {
	name   string
	client *goflow.Client
	broker *ackedBroker
	around program.Surroundings
	room   chan struct{}

	unreported atomic.Int64 // tasks
	unread     atomic.Int64 // the first line that was not looked at; 0: there is none
	bad        atomic.Bool  // a line was

	mu  sync.Mutex // for around.Stdout
	err error      // the first that writing met
}

// left says what a stop has left undone, which is its exit code then; err is that
// of the rest.
func (r *reporter) left(err error) error {
	tasks, from := r.unreported.Load(), r.unread.Load()
	var what []string
	if tasks > 0 {
		what = append(what, fmt.Sprintf("%d tasks were not reported", tasks))
	}
	if from > 0 {
		what = append(what, fmt.Sprintf("lines from %d on were not read", from))
	}
	switch {
	case err == nil && len(what) > 0:
		err = program.ExitError(program.Stopped)
	case err == nil && r.bad.Load():
		err = program.ExitError(program.Usage)
	}
	if len(what) > 0 {
		r.around.Say(r.name, fmt.Errorf("%s: run it again with the lines that have no outcome", strings.Join(what, ", and ")))
	}
	return err
}

func (r *reporter) all(ctx context.Context) error {
	var waiting sync.WaitGroup
	for line, err := range lines.Read(r.around.Stdin) {
		var id string
		if err == nil && ctx.Err() == nil {
			if id, err = r.push(ctx, line); err != nil {
				err = &lines.Error{Number: line.Number, Reason: err}
			}
		}
		if ctx.Err() != nil && (id == "" || err != nil) {
			r.unread.Store(int64(line.Number))
			break
		}
		if err != nil {
			r.bad.Store(true)
			r.around.Say(r.name, err)
			continue
		}
		r.unreported.Add(1)
		r.room <- struct{}{}
		waiting.Go(func() {
			defer func() { <-r.room }()
			r.report(ctx, id, line.Type)
		})
	}
	waiting.Wait()
	return r.err
}

func (r *reporter) push(ctx context.Context, line lines.Line) (string, error) {
	opts, err := line.Push()
	if err != nil {
		return "", err
	}
	if line.ID != "" {
		opts = append(opts, goflow.ID(line.ID))
	}
	return r.client.Push(ctx, line.Type, line.Payload, opts...)
}

// report writes a task's outcome as soon as there is one.
func (r *reporter) report(ctx context.Context, id, taskType string) {
	rec, err := r.outcome(ctx, id)
	if err != nil {
		return // told to stop
	}
	line, err := program.JSON(program.NewOutcome(rec, taskType))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = io.WriteString(r.around.Stdout, line)
	}
	if err == nil {
		r.unreported.Add(-1)
	} else if r.err == nil {
		r.err = err
	}
}

// outcome is the task's record, or that of a job that keeps none.
func (r *reporter) outcome(ctx context.Context, id string) (goflow.Record, error) {
	waiting, over := r.broker.untilAcked(ctx, id)
	defer over()
	rec, err := r.client.Wait(waiting, id)
	if err == nil || ctx.Err() != nil {
		return rec, err
	}
	rec, err = r.client.Get(ctx, id)
	switch {
	case err != nil, rec.State.Terminal():
	case rec.State == task.Unknown:
		rec.ID, rec.State = id, task.Done
	default:
		return r.client.Wait(ctx, id) // another message carries it: its delay is long
	}
	return rec, err
}
