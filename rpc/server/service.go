package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// service is the methods themselves. They return the core's errors, which the
// guard turns into gRPC's.
type service struct {
	rpc.UnimplementedGoFlowServer
	client *goflow.Client
	remote port.Remote
	o      *options
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("goflow: %w "+format, append([]any{port.ErrInvalid}, args...)...)
}

// unimplemented names what the server was not given.
func unimplemented(what, option string) error {
	return status.Error(codes.Unimplemented, "goflow: this server knows no "+what+"; its program gives them by server."+option)
}

// PushTask queues one task.
func (s *service) PushTask(ctx context.Context, req *rpc.PushTaskRequest) (*rpc.PushTaskReply, error) {
	if req.GetPayload() == "" {
		return nil, invalid("payload of %.128q: it is empty, give JSON text, such as null", req.GetTaskType())
	}
	pushes := []port.Push{{Type: req.GetTaskType(), Payload: []byte(req.GetPayload())}}
	err := port.ItemError(s.remote.Push(ctx, pushes), 0)
	if errors.Is(err, port.ErrAmbiguous) {
		return nil, ambiguous(err, pushes[0].ID)
	}
	return &rpc.PushTaskReply{Id: pushes[0].ID}, err
}

// ambiguous names the task, which its caller knows from nowhere else.
func ambiguous(err error, id string) error {
	refused := status.Convert(convert.Refusal(codes.Unknown, rpc.Reason_REASON_AMBIGUOUS, err.Error()))
	info := convert.Info(refused.Err())
	info.Metadata = map[string]string{"id": id}
	st, err := status.New(refused.Code(), refused.Message()).WithDetails(info)
	if err != nil { // only for codes.OK
		return refused.Err()
	}
	return st.Err()
}

// PushTasks queues those of the tasks that can be.
func (s *service) PushTasks(ctx context.Context, req *rpc.PushTasksRequest) (*rpc.PushTasksResponse, error) {
	if n := len(req.GetTasks()); n < 1 || n > port.MaxPushes {
		return nil, invalid("push of %d tasks: give 1 to %d", n, port.MaxPushes)
	}
	results := make([]*rpc.PushResult, len(req.GetTasks()))
	var pushes []port.Push
	var places []int
	held := groups{}
	for i, t := range req.GetTasks() {
		p, err := convert.Push(t)
		if err = held.admit(&p, err); err != nil {
			results[i] = &rpc.PushResult{Id: p.ID, Error: convert.Error(err)}
			continue
		}
		pushes, places = append(pushes, p), append(places, i)
	}
	if len(pushes) > 0 {
		err := s.remote.Push(ctx, pushes)
		for at, i := range places {
			results[i] = &rpc.PushResult{Id: pushes[at].ID, Error: convert.Error(port.ItemError(err, at))}
		}
	}
	return &rpc.PushTasksResponse{Results: results}, nil
}

// groups are those of which a task was refused before the core saw it, by queue and name.
type groups map[[2]string]bool

// admit refuses a task that would overtake such a one of its group, in the core's words; err is why it is refused itself.
func (g groups) admit(p *port.Push, err error) error {
	key := [2]string{p.Queue, p.Group}
	if err == nil && g[key] {
		err = fmt.Errorf("goflow: push %s: %w", p.Type, port.HeldBack(p.Group))
	}
	if err != nil && p.Group != "" {
		g[key] = true
	}
	return err
}

// CancelTask cancels a task.
func (s *service) CancelTask(ctx context.Context, req *rpc.CancelTaskRequest) (*rpc.CancelTaskResponse, error) {
	rec, err := s.remote.Cancel(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &rpc.CancelTaskResponse{Record: convert.Record(&rec)}, nil
}

// GetResult tells what is known of a task.
func (s *service) GetResult(ctx context.Context, req *rpc.GetResultRequest) (*rpc.GetResultReply, error) {
	rec, err := s.get(ctx, strings.ToLower(req.GetTaskID()))
	if err != nil {
		return nil, err
	}
	reply := &rpc.GetResultReply{State: convert.State(rec.State)}
	switch {
	case rec.State == task.Done:
		reply.Result = cmp.Or(strings.ToValidUTF8(string(rec.Result), "\uFFFD"), "null")
	case rec.State.Terminal():
		reply.ErrMsg = cmp.Or(rec.Error, rec.State.String())
	}
	return reply, nil
}

// get is the client's, encoded.
func (s *service) get(ctx context.Context, id string) (port.Record, error) {
	rec, err := s.client.Get(ctx, id)
	if err != nil {
		return rec, err
	}
	return s.encoded(ctx, rec)
}

// encoded is a record as GetRecords tells of it: in an in-process store the result is a
// value, and read again, which costs nothing there.
func (s *service) encoded(ctx context.Context, rec port.Record) (port.Record, error) {
	if rec.Value == nil {
		return rec, nil
	}
	recs, err := s.remote.Load(ctx, []string{rec.ID}, true)
	if err = port.ItemError(err, 0); err != nil {
		return rec, err
	}
	return recs[0], nil
}

// GetRecords reads those of the records that can be.
func (s *service) GetRecords(ctx context.Context, req *rpc.GetRecordsRequest) (*rpc.GetRecordsResponse, error) {
	if err := countIDs(req.GetIds(), MaxIDs); err != nil {
		return nil, err
	}
	good, places := distinct(req.GetIds())
	results := make([]*rpc.RecordResult, len(req.GetIds()))
	var recs []port.Record
	var err error
	if len(good) > 0 {
		recs, err = s.remote.Load(ctx, good, req.GetFresh())
	}
	for i, id := range req.GetIds() {
		at, ok := places[strings.ToLower(id)]
		itemErr := port.ItemError(err, at)
		switch {
		case !ok:
			results[i] = &rpc.RecordResult{Error: convert.Error(invalidID(id))}
		case itemErr != nil:
			results[i] = &rpc.RecordResult{Error: convert.Error(itemErr)}
		default:
			results[i] = &rpc.RecordResult{Record: convert.Record(&recs[at])}
		}
	}
	return &rpc.GetRecordsResponse{Results: results}, nil
}

// GetStats asks each queue.
func (s *service) GetStats(ctx context.Context, _ *rpc.GetStatsRequest) (*rpc.GetStatsResponse, error) {
	if len(s.o.queues) == 0 {
		return nil, unimplemented("queues", "Queues")
	}
	out := &rpc.GetStatsResponse{}
	for _, q := range s.o.queues {
		size, err := q.Size.Size(ctx)
		if err != nil {
			return nil, fmt.Errorf("goflow: size of queue %q: %w", q.Name, err)
		}
		stats := &rpc.QueueStats{Name: q.Name, Waiting: int64(size.Waiting), Leased: int64(size.Leased), Delayed: int64(size.Delayed)}
		if q.Dead != nil {
			dead, err := q.Dead.Size(ctx)
			if err != nil {
				return nil, fmt.Errorf("goflow: size of the dead letters of queue %q: %w", q.Name, err)
			}
			all := int64(dead.Waiting) + int64(dead.Leased) + int64(dead.Delayed)
			stats.Dead = &all
		}
		out.Queues = append(out.Queues, stats)
	}
	return out, nil
}

func countIDs(ids []string, most int) error {
	if len(ids) < 1 || len(ids) > most {
		return invalid("list of %d task IDs: give 1 to %d", len(ids), most)
	}
	return nil
}

func invalidID(id string) error { return invalid("task ID %.60q: give a UUID", id) }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// distinct returns each ID that can be one once, in the form that records have,
// and where it is.
func distinct(ids []string) (good []string, places map[string]int) {
	places = make(map[string]int, len(ids))
	for _, id := range ids {
		id = strings.ToLower(id)
		if _, seen := places[id]; !seen && uuid.MatchString(id) {
			places[id] = len(good)
			good = append(good, id)
		}
	}
	return good, places
}
