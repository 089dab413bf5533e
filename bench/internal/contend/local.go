package contend

import (
	"context"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/store"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

type local struct {
	job *goflow.Job[string, string]
	gf  *goflow.GoFlow
}

func newLocal(s Settings) (Pool, error) {
	l := &local{job(), goflow.NewLocalMode(store.NewInMemoryKVStore[string, task.Handler](), goflow.WithNumWorkers(s.Handlers))}
	l.job.Handle(l.gf.Mux(), handle)
	return l, l.gf.Start()
}

func (l *local) Do(ctx context.Context, payload string) error {
	id, err := l.job.Push(ctx, l.gf.Client(), payload)
	if err != nil {
		return err
	}
	result, err := l.job.Wait(ctx, l.gf.Client(), id)
	if err != nil {
		return err
	}
	return check(result)
}
