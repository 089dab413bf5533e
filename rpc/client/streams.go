package client

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// opening begins a call that is answered by a stream.
type opening[Res any] func(ctx context.Context) (grpc.ServerStreamingClient[Res], error)

// stream yields the answers of a call, and the error that ends it.
func stream[Res, Out any](ctx context.Context, what string, open opening[Res], out func(*Res) (Out, error)) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers, err := open(ctx)
		if err != nil {
			yield(none, readError(ctx, what, err))
			return
		}
		for {
			answer, err := answers.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(none, readError(ctx, what, err))
				return
			}
			if !yield(out(answer)) {
				return
			}
		}
	}
}

// Watch yields the record of each of up to 100 tasks, then each again whenever
// its state, generation or attempts have changed, until all have outcomes. An
// error ends it, with a record that has no ID; goflow.ErrUnavailable: the server
// stops, call it again.
func (c *Client) Watch(ctx context.Context, ids []string) iter.Seq2[goflow.Record, error] {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.WatchTasksResponse], error) {
		return c.api.WatchTasks(ctx, &rpc.WatchTasksRequest{Ids: ids})
	}
	return stream(ctx, "watch", open, func(a *rpc.WatchTasksResponse) (goflow.Record, error) {
		return convert.FromRecord(a.GetRecord()), nil
	})
}

// DeadLetters looks after the dead letters of the server's queue, for callers
// with the role admin. Its methods are those of goflow.DeadLetterQueue.
type DeadLetters struct{ api rpc.GoFlowClient }

// DeadLetters returns the dead letters of the server's queue.
func (c *Client) DeadLetters() *DeadLetters { return &DeadLetters{c.api} }

// each is what the methods have in common.
type each = iter.Seq2[goflow.DeadLetter, error]

func outcome[A interface {
	GetLetter() *rpc.DeadLetter
	GetError() *rpc.Error
}](answer A) (goflow.DeadLetter, error) {
	return convert.FromDeadLetter(answer.GetLetter()), itemError(answer.GetError(), "")
}

// List yields the letters that f chooses and leaves them where they are.
func (d *DeadLetters) List(ctx context.Context, f goflow.DeadLetterFilter) each {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.ListDeadLettersResponse], error) {
		return d.api.ListDeadLetters(ctx, &rpc.ListDeadLettersRequest{Filter: convert.Filter(&f)})
	}
	return stream(ctx, "dead letters", open, func(a *rpc.ListDeadLettersResponse) (goflow.DeadLetter, error) {
		return convert.FromDeadLetter(a.GetLetter()), nil
	})
}

// Redrive sends the letters that f chooses back to their queue.
func (d *DeadLetters) Redrive(ctx context.Context, f goflow.DeadLetterFilter) each {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.RedriveDeadLettersResponse], error) {
		return d.api.RedriveDeadLetters(ctx, &rpc.RedriveDeadLettersRequest{Filter: convert.Filter(&f)})
	}
	return stream(ctx, "redrive", open, outcome[*rpc.RedriveDeadLettersResponse])
}

// Settle records the deaths that only the broker knows of.
func (d *DeadLetters) Settle(ctx context.Context, f goflow.DeadLetterFilter) each {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.SettleDeadLettersResponse], error) {
		return d.api.SettleDeadLetters(ctx, &rpc.SettleDeadLettersRequest{Filter: convert.Filter(&f)})
	}
	return stream(ctx, "settle", open, outcome[*rpc.SettleDeadLettersResponse])
}

// Drop deletes the letters that f chooses.
func (d *DeadLetters) Drop(ctx context.Context, f goflow.DeadLetterFilter) each {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.DropDeadLettersResponse], error) {
		return d.api.DropDeadLetters(ctx, &rpc.DropDeadLettersRequest{Filter: convert.Filter(&f)})
	}
	return stream(ctx, "drop", open, outcome[*rpc.DropDeadLettersResponse])
}

// Move is how far a redrive of all dead letters is.
type Move struct {
	Moved, Total int64
	Found        bool // it was under way already
}

// RedriveAll lets the broker move all dead letters back, and yields how far it
// is. It goes on when nobody looks any more; to call it again is to look.
func (d *DeadLetters) RedriveAll(ctx context.Context) iter.Seq2[Move, error] {
	open := func(ctx context.Context) (grpc.ServerStreamingClient[rpc.RedriveAllDeadLettersResponse], error) {
		return d.api.RedriveAllDeadLetters(ctx, &rpc.RedriveAllDeadLettersRequest{})
	}
	return stream(ctx, "redrive", open, func(a *rpc.RedriveAllDeadLettersResponse) (Move, error) {
		return Move{Moved: a.GetMoved(), Total: a.GetTotal(), Found: a.GetFound()}, nil
	})
}
