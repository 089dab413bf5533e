package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// WaitTask waits with all others who wait on the client, which share its reads.
func (s *service) WaitTask(ctx context.Context, req *rpc.WaitTaskRequest) (*rpc.WaitTaskResponse, error) {
	rec, err := s.client.Wait(ctx, strings.ToLower(req.GetId()))
	if err == nil {
		rec, err = s.encoded(ctx, rec)
	}
	if err != nil {
		return nil, err
	}
	return &rpc.WaitTaskResponse{Record: convert.Record(&rec)}, nil
}

// watch is one who watches tasks.
type watch struct {
	*service
	send func(*rpc.WatchTasksResponse) error
	last map[string]port.Record // that was sent
	open []string               // what has no outcome yet
	gone int                    // what cannot be found any more
}

// WatchTasks looks at the tasks in one read, once a second while they change and
// ever less while they don't, down to once in five seconds.
func (s *service) WatchTasks(req *rpc.WatchTasksRequest, stream rpc.GoFlow_WatchTasksServer) error {
	if err := countIDs(req.GetIds(), MaxIDs); err != nil {
		return err
	}
	for _, id := range req.GetIds() {
		if good, _ := distinct([]string{id}); len(good) == 0 {
			return invalidID(id)
		}
	}
	w := &watch{service: s, send: stream.Send, last: map[string]port.Record{}}
	w.open, _ = distinct(req.GetIds())
	return w.run(stream.Context())
}

func (w *watch) run(ctx context.Context) error {
	all, pause := len(w.open), firstLook
	changed, err := w.look(ctx)
	if err == nil {
		err = w.find(ctx)
	}
	for err == nil && len(w.open) > 0 {
		if pause = min(2*pause, lastLook); changed {
			pause = firstLook
		}
		if err = sleep(ctx, pause); err == nil {
			changed, err = w.look(ctx)
		}
	}
	if err == nil && w.gone == all {
		err = fmt.Errorf("goflow: watch of %d tasks: %w", all, goflow.ErrNotFound)
	}
	return err
}

// look reads what is open and sends what is new.
func (w *watch) look(ctx context.Context) (changed bool, err error) {
	recs, err := w.remote.Load(ctx, w.open, false)
	if err != nil {
		return false, err
	}
	var open []string
	for i, rec := range recs {
		sent, err := w.tell(rec)
		if err != nil {
			return changed, err
		}
		changed = changed || sent
		if !w.last[w.open[i]].State.Terminal() {
			open = append(open, w.open[i])
		}
	}
	w.open = open
	return changed, nil
}

// find asks once for each task without a record whether there can be one. It
// leaves out those that cannot be found any more.
func (w *watch) find(ctx context.Context) error {
	var open []string
	for _, id := range w.open {
		if w.last[id].State != task.Unknown {
			open = append(open, id)
			continue
		}
		rec, err := w.get(ctx, id)
		if errors.Is(err, goflow.ErrNotFound) {
			w.gone++
			continue
		}
		if err == nil {
			_, err = w.tell(rec)
		}
		if err != nil {
			return err
		}
		if !rec.State.Terminal() {
			open = append(open, id)
		}
	}
	w.open = open
	return nil
}

// tell sends rec unless it is what was sent, or older.
func (w *watch) tell(rec port.Record) (bool, error) {
	if last, ok := w.last[rec.ID]; ok && !newer(&rec, &last) {
		return false, nil
	}
	w.last[rec.ID] = port.Record{State: rec.State, Generation: rec.Generation, Attempts: rec.Attempts}
	return true, w.send(&rpc.WatchTasksResponse{Record: convert.Record(&rec)})
}

// newer tells whether rec came after last: a read may be a moment behind.
func newer(rec, last *port.Record) bool {
	switch {
	case rec.Generation != last.Generation:
		return rec.Generation > last.Generation
	case rec.State != last.State:
		return rec.State > last.State && !last.State.Terminal()
	}
	return rec.Attempts > last.Attempts
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
