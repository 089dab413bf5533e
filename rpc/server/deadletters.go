package server

import (
	"context"
	"iter"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// letters is one of the methods of DeadLetters.
type letters func(DeadLetters, context.Context, goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]

// each sends the letters of a sequence. An error without a letter is the whole
// sequence's.
func (s *service) each(ctx context.Context, f *rpc.DeadLetterFilter, method letters, send func(*rpc.DeadLetter, *rpc.Error) error) error {
	if s.o.dead == nil {
		return unimplemented("dead letters", "AdminDeadLetters")
	}
	if n := len(f.GetIds()); n > MaxFilterIDs {
		return invalid("filter of %d task IDs: give %d at most", n, MaxFilterIDs)
	}
	filter, err := convert.FromFilter(f)
	if err != nil {
		return err
	}
	for letter, err := range method(s.o.dead, ctx, filter) {
		if err != nil && letter.ID == "" {
			return err
		}
		if err := send(convert.DeadLetter(&letter), convert.Error(err)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// ListDeadLetters lists.
func (s *service) ListDeadLetters(req *rpc.ListDeadLettersRequest, out rpc.GoFlow_ListDeadLettersServer) error {
	return s.each(out.Context(), req.GetFilter(), DeadLetters.List, func(l *rpc.DeadLetter, _ *rpc.Error) error { return out.Send(&rpc.ListDeadLettersResponse{Letter: l}) })
}

// RedriveDeadLetters redrives.
func (s *service) RedriveDeadLetters(req *rpc.RedriveDeadLettersRequest, out rpc.GoFlow_RedriveDeadLettersServer) error {
	return s.each(out.Context(), req.GetFilter(), DeadLetters.Redrive, func(l *rpc.DeadLetter, e *rpc.Error) error {
		return out.Send(&rpc.RedriveDeadLettersResponse{Letter: l, Error: e})
	})
}

// SettleDeadLetters settles.
func (s *service) SettleDeadLetters(req *rpc.SettleDeadLettersRequest, out rpc.GoFlow_SettleDeadLettersServer) error {
	return s.each(out.Context(), req.GetFilter(), DeadLetters.Settle, func(l *rpc.DeadLetter, e *rpc.Error) error {
		return out.Send(&rpc.SettleDeadLettersResponse{Letter: l, Error: e})
	})
}

// DropDeadLetters drops.
func (s *service) DropDeadLetters(req *rpc.DropDeadLettersRequest, out rpc.GoFlow_DropDeadLettersServer) error {
	return s.each(out.Context(), req.GetFilter(), DeadLetters.Drop, func(l *rpc.DeadLetter, e *rpc.Error) error {
		return out.Send(&rpc.DropDeadLettersResponse{Letter: l, Error: e})
	})
}

// RedriveAllDeadLetters sends each look at the move, and the last.
func (s *service) RedriveAllDeadLetters(_ *rpc.RedriveAllDeadLettersRequest, out rpc.GoFlow_RedriveAllDeadLettersServer) error {
	if s.o.redriveAll == nil {
		return unimplemented("way to move all dead letters", "RedriveAll")
	}
	send := func(m Move) error {
		return out.Send(&rpc.RedriveAllDeadLettersResponse{Moved: m.Moved, Total: m.Total, Found: m.Found})
	}
	// When the caller is gone the context ends, and so does the looking.
	last, err := s.o.redriveAll(out.Context(), func(m Move) { _ = send(m) })
	if err != nil {
		return err
	}
	return send(last)
}
