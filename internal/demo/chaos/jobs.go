package chaos

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// The task types of the jobs.
const (
	OnceType        = "chaos.once"
	PlainType       = "chaos.plain"
	CancellableType = "chaos.cancellable"
)

// Args is the payload of all of them.
type Args struct {
	For  time.Duration `json:"for"`            // how long a run takes
	Fail int           `json:"fail,omitempty"` // how many attempts fail
}

// Report is their result.
type Report struct {
	Run string `json:"run"`
}

// Register gives m the jobs. Their runs are written down in j.
func Register(m *goflow.Mux, j *Journal) {
	goflow.NewJob[Args, Report](OnceType, goflow.Once()).Handle(m, j.run)
	goflow.NewJob[Args, Report](PlainType).Handle(m, j.run)
	goflow.NewJob[Args, Report](CancellableType, goflow.Cancellable()).Handle(m, j.run)
}

// run is a handler that keeps to its contract: it returns when its context
// ends, and has its effect, which is a line in the journal, only before.
func (j *Journal) run(ctx context.Context, in Args) (report Report, err error) {
	info, _ := goflow.TaskFromContext(ctx)
	report.Run = rand.Text()
	if err := j.write(info.ID, report.Run, Began); err != nil {
		return report, err
	}
	defer func() {
		if endErr := j.write(info.ID, report.Run, Ended); err == nil {
			err = endErr
		}
	}()
	select {
	case <-time.After(in.For):
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return report, context.Cause(ctx)
	}
	if info.Attempt <= in.Fail {
		return report, fmt.Errorf("attempt %d of %d that fail", info.Attempt, in.Fail)
	}
	return report, j.write(info.ID, report.Run, Effect)
}

// Store writes down which run's result a store has confirmed.
func (j *Journal) Store(s port.Store) port.Store { return &store{inner: s, journal: j} }

// store forwards what the store beneath is known to have.
type store struct {
	inner   port.Store
	journal *Journal
}

var _ port.Checker = (*store)(nil)

func (s *store) Save(ctx context.Context, recs []port.Record) error {
	start := time.Now()
	err := s.inner.Save(ctx, recs)
	for i, rec := range recs {
		if rec.Epoch > 0 {
			s.journal.call(start, rec.ID, "save epoch %d as %s: %v", rec.Epoch, rec.State, port.ItemError(err, i))
		}
		var report Report
		if rec.State != task.Done || port.ItemError(err, i) != nil || json.Unmarshal(rec.Result, &report) != nil || report.Run == "" {
			continue
		}
		// Should the line be missing, the judge has what the producers saw.
		_ = s.journal.write(rec.ID, report.Run, Stored)
	}
	return err
}

func (s *store) Load(ctx context.Context, ids []string, fresh bool) ([]port.Record, error) {
	return s.inner.Load(ctx, ids, fresh)
}

func (s *store) Claim(ctx context.Context, claims []port.Claim) ([]port.Record, error) {
	start := time.Now()
	recs, err := s.inner.Claim(ctx, claims)
	for i, c := range claims {
		epoch := c.Epoch
		if i < len(recs) {
			epoch = recs[i].Epoch
		}
		s.journal.call(start, c.ID, "claim epoch %d for %v: epoch %d, %v", c.Epoch, c.For, epoch, port.ItemError(err, i))
	}
	return recs, err
}

func (s *store) Reopen(ctx context.Context, recs []port.Record) error {
	return s.inner.Reopen(ctx, recs)
}

// Check asks the store beneath, if it can be asked.
func (s *store) Check(ctx context.Context) error {
	if checker, ok := s.inner.(port.Checker); ok {
		return checker.Check(ctx)
	}
	return nil
}

// call writes down a call that began at start.
func (j *Journal) call(start time.Time, task, format string, args ...any) {
	note := fmt.Sprintf(format, args...) + fmt.Sprintf(" after %v", time.Since(start))
	_ = j.Write(Entry{At: start, Worker: j.worker, Task: task, What: Call, Note: note}) // it judges nothing
}
