package convert

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
)

// Task returns a push as it travels.
func Task(p *port.Push) *rpc.Task {
	t := &rpc.Task{
		TaskType: p.Type, Payload: p.Payload, Headers: p.Headers, Queue: p.Queue,
		Delay: span(p.Delay), ExpiresIn: span(p.ExpiresIn), Track: p.Track, Group: p.Group, FairKey: p.FairKey,
	}
	if p.Chosen {
		t.Id = p.ID
	} else {
		t.GeneratedId = p.ID
	}
	if p.UniqueKey != "" {
		t.Unique = &rpc.UniqueKey{Key: p.UniqueKey, Ttl: span(p.UniqueFor)}
	}
	if p.MaxAttempts != 0 || p.Timeout != 0 || p.BackoffBase != 0 || p.BackoffCap != 0 {
		t.Policy = &rpc.RetryPolicy{
			MaxAttempts: int32(p.MaxAttempts), //nolint:gosec // 1 to 1000
			Timeout:     span(p.Timeout), BackoffBase: span(p.BackoffBase), BackoffCap: span(p.BackoffCap),
		}
	}
	return t
}

// Push returns the push that t asks for; its ID is empty where the server is to
// make one. The error is port.ErrInvalid for what the core cannot see any more:
// everything else is the core's to judge.
func Push(t *rpc.Task) (port.Push, error) {
	p := port.Push{
		ID: t.GetGeneratedId(), Type: t.GetTaskType(), Payload: t.GetPayload(), Headers: t.GetHeaders(), Queue: t.GetQueue(),
		Track: t.GetTrack(), Group: t.GetGroup(), FairKey: t.GetFairKey(), MaxAttempts: int(t.GetPolicy().GetMaxAttempts()),
	}
	if t.GetId() != "" {
		if t.GetGeneratedId() != "" {
			return p, fmt.Errorf("goflow: %w task: id and generated_id are given: give one of them", port.ErrInvalid)
		}
		p.ID, p.Chosen = t.GetId(), true
	}
	if t.GetUnique() != nil {
		p.UniqueKey = t.GetUnique().GetKey()
		if p.UniqueKey == "" {
			return p, fmt.Errorf("goflow: %w task: unique.key is empty: give 1 to 1024 bytes", port.ErrInvalid)
		}
	}
	for _, field := range []struct {
		name string
		from *durationpb.Duration
		to   *time.Duration
	}{
		{"delay", t.GetDelay(), &p.Delay},
		{"expires_in", t.GetExpiresIn(), &p.ExpiresIn},
		{"unique.ttl", t.GetUnique().GetTtl(), &p.UniqueFor},
		{"policy.timeout", t.GetPolicy().GetTimeout(), &p.Timeout},
		{"policy.backoff_base", t.GetPolicy().GetBackoffBase(), &p.BackoffBase},
		{"policy.backoff_cap", t.GetPolicy().GetBackoffCap(), &p.BackoffCap},
	} {
		if field.from == nil {
			continue
		}
		if err := field.from.CheckValid(); err != nil {
			return p, fmt.Errorf("goflow: %w task: %s: %w", port.ErrInvalid, field.name, err)
		}
		*field.to = field.from.AsDuration()
	}
	return p, nil
}

// span is nil for what is not set.
func span(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
