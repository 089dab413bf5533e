package convert

import (
	"math"
	"strings"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/rpc"
)

// State returns a state as it travels: the wire keeps 0 for what was never sent.
func State(s task.State) rpc.State { return rpc.State(s) + 1 }

// Record returns a record as it travels.
func Record(rec *port.Record) *rpc.Record {
	return &rpc.Record{
		Id: rec.ID, State: State(rec.State), Generation: count(rec.Generation), Attempts: count(rec.Attempts),
		Result: rec.Result, Error: text(rec.Error), Reason: text(rec.Reason),
	}
}

// FromRecord returns the record that r is. A state of a later release counts as
// open: there is something, and what is final is for later.
func FromRecord(r *rpc.Record) port.Record {
	rec := port.Record{
		ID: r.GetId(), State: task.Open, Generation: int(r.GetGeneration()), Attempts: int(r.GetAttempts()),
		Result: r.GetResult(), Error: r.GetError(), Reason: r.GetReason(),
	}
	switch s := r.GetState(); {
	case s == rpc.State_STATE_UNSPECIFIED:
		rec.State = task.Unknown
	case s > 0 && s <= State(task.Expired):
		rec.State = task.State(s - 1) //nolint:gosec // 0 to 5
	}
	return rec
}

// count fits a count into the wire's.
func count(n int) int32 { return int32(max(min(n, math.MaxInt32), math.MinInt32)) }

// text is fit for a string on the wire, where UTF-8 that is none would spoil the
// whole message.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
