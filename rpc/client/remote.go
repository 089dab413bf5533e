package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/protobuf/proto"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// tries is how often a call is made that may be repeated.
const tries = 5

// remote is a port.Remote over the service.
type remote struct{ api rpc.GoFlowClient }

// Push pushes in calls that servers take, one after the other.
func (r *remote) Push(ctx context.Context, pushes []port.Push) error {
	b := &batch{pushes: pushes, once: r.pushOnce, errs: port.ItemErrors{}, held: map[group]bool{}}
	for first := 0; first < len(pushes); {
		size, items := 0, []int{}
		for next := first; next < len(pushes); next++ {
			size += proto.Size(convert.Task(&pushes[next])) + 8 // its tag and length
			if size > maxRequest && next > first {
				break
			}
			items = append(items, next)
		}
		b.push(ctx, items)
		first += len(items)
	}
	return b.errs.Err()
}

func pauses() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = firstPause, 2, lastPause
	return b
}

// pushOnce makes one call and returns the error of each of its items.
func (r *remote) pushOnce(ctx context.Context, pushes []port.Push, items []int) []error {
	errs, request := make([]error, len(items)), &rpc.PushTasksRequest{}
	for _, i := range items {
		request.Tasks = append(request.Tasks, convert.Task(&pushes[i]))
	}
	ctx, sent := watchSending(ctx)
	answer, err := r.api.PushTasks(ctx, request)
	for place, i := range items {
		switch {
		case err != nil:
			errs[place] = writeError(ctx, pushes[i].Type, err, sent.Load())
		case place < len(answer.GetResults()):
			result := answer.GetResults()[place]
			pushes[i].ID = cmp.Or(pushes[i].ID, result.GetId()) // a task keeps its ID, whatever the server forgets
			errs[place] = itemError(result.GetError(), pushes[i].UniqueKey)
		default:
			errs[place] = port.ErrAmbiguous // a server that says nothing of it
		}
	}
	return errs
}

// Load reads records.
func (r *remote) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	answer, err := r.api.GetRecords(ctx, &rpc.GetRecordsRequest{Ids: ids, Fresh: fresh})
	if err != nil {
		return nil, readError(ctx, "records", err)
	}
	recs, errs := make([]port.Record, len(ids)), port.ItemErrors{}
	for i, id := range ids {
		if i >= len(answer.GetResults()) {
			errs[i] = port.ErrUnavailable
			continue
		}
		result := answer.GetResults()[i]
		recs[i] = convert.FromRecord(result.GetRecord())
		recs[i].ID = id
		if err := itemError(result.GetError(), ""); err != nil {
			errs[i] = err
		}
	}
	return recs, errs.Err()
}

// Cancel cancels a task, again if the answer is lost: then it may be that it is
// cancelled already.
func (r *remote) Cancel(ctx context.Context, id string) (port.Record, error) {
	var last error
	rec, _ := backoff.Retry(ctx, func() (rec port.Record, err error) {
		rec, last = r.cancelOnce(ctx, id, last)
		if last != nil && !errors.Is(last, port.ErrUnavailable) && !errors.Is(last, port.ErrAmbiguous) {
			return rec, backoff.Permanent(last)
		}
		return rec, last
	}, backoff.WithMaxTries(tries), backoff.WithBackOff(pauses()))
	if ended := ctx.Err(); ended != nil && last != nil && !errors.Is(last, ended) { // in a pause
		return rec, fmt.Errorf("%w: %w", last, ended)
	}
	return rec, last
}

// cancelOnce makes one call. earlier is the error of the one before.
func (r *remote) cancelOnce(ctx context.Context, id string, earlier error) (port.Record, error) {
	watched, sent := watchSending(ctx)
	answer, err := r.api.CancelTask(watched, &rpc.CancelTaskRequest{Id: id})
	if err == nil {
		return convert.FromRecord(answer.GetRecord()), nil
	}
	err = writeError(ctx, id, err, sent.Load())
	if !errors.Is(earlier, port.ErrAmbiguous) || !errors.Is(err, port.ErrFinished) {
		return port.Record{}, inDoubt(earlier, err)
	}
	recs, loadErr := r.Load(ctx, []string{id}, true)
	switch {
	case loadErr != nil:
		return port.Record{}, fmt.Errorf("goflow: %s: %w: %w", id, port.ErrAmbiguous, loadErr)
	case recs[0].State == task.Cancelled: // by the earlier one
		return recs[0], nil
	}
	return port.Record{}, err
}
