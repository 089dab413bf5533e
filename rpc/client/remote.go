package client

import (
	"context"
	"errors"

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
	errs := port.ItemErrors{}
	for first := 0; first < len(pushes); {
		size, next := 0, first
		for ; next < len(pushes); next++ {
			size += proto.Size(convert.Task(&pushes[next])) + 8 // its tag and length
			if size > maxRequest && next > first {
				break
			}
		}
		r.pushSome(ctx, pushes[first:next], func(i int, err error) { errs[first+i] = err })
		first = next
	}
	return errs.Err()
}

// pushSome makes one call, and again for those of it that may be repeated. failed
// is told of each that was not pushed in the end.
func (r *remote) pushSome(ctx context.Context, pushes []port.Push, failed func(i int, err error)) {
	todo, errs := make([]int, len(pushes)), map[int]error{}
	for i := range todo {
		todo[i] = i
	}
	once := func() (none struct{}, err error) {
		var again []int
		for place, itemErr := range r.pushOnce(ctx, pushes, todo) {
			i := todo[place]
			errs[i] = itemErr
			if errors.Is(itemErr, port.ErrUnavailable) || pushes[i].Chosen && errors.Is(itemErr, port.ErrAmbiguous) {
				again, err = append(again, i), itemErr
			}
		}
		todo = again
		return none, err
	}
	_, _ = backoff.Retry(ctx, once, backoff.WithMaxTries(tries), backoff.WithBackOff(pauses())) // what is left is in errs
	for i, err := range errs {
		if err != nil {
			failed(i, err)
		}
	}
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
			pushes[i].ID, errs[place] = result.GetId(), convert.FromError(result.GetError(), pushes[i].UniqueKey)
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
		if err := convert.FromError(result.GetError(), ""); err != nil {
			errs[i] = err
		}
	}
	return recs, errs.Err()
}

// Cancel cancels a task, again if the answer is lost: then it may be that it is
// cancelled already.
func (r *remote) Cancel(ctx context.Context, id string) (rec port.Record, err error) {
	unsure := false
	return backoff.Retry(ctx, func() (port.Record, error) {
		ctx, sent := watchSending(ctx)
		answer, err := r.api.CancelTask(ctx, &rpc.CancelTaskRequest{Id: id})
		if err == nil {
			return convert.FromRecord(answer.GetRecord()), nil
		}
		err = writeError(ctx, id, err, sent.Load())
		switch {
		case unsure && errors.Is(err, port.ErrFinished):
			return r.cancelled(ctx, id, err)
		case errors.Is(err, port.ErrAmbiguous):
			unsure = true
		case !errors.Is(err, port.ErrUnavailable):
			return port.Record{}, backoff.Permanent(err)
		}
		return port.Record{}, err
	}, backoff.WithMaxTries(tries), backoff.WithBackOff(pauses()))
}

// cancelled returns the record if it is, else finished.
func (r *remote) cancelled(ctx context.Context, id string, finished error) (port.Record, error) {
	recs, err := r.Load(ctx, []string{id}, true)
	if err == nil && recs[0].State == task.Cancelled {
		return recs[0], nil
	}
	return port.Record{}, backoff.Permanent(finished)
}
