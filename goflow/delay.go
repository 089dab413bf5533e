package goflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// maxPushDelay bounds a delay by the retention of the queue that we provision.
const maxPushDelay = 7 * 24 * time.Hour

// dueAttribute is the message attribute of a task whose delay is longer than the
// broker's: such a message is sent on until it is due.
const dueAttribute = "goflow-due"

// due is the attribute, as JSON. The time is the broker's own, so that no clock
// of ours can make a task early: it is due Delay after it was first sent.
type due struct {
	Delay int64 `json:"delay"` // seconds
	// Sent is when the first message was sent, in epoch milliseconds; without it
	// this is the first.
	Sent int64 `json:"sent,omitempty"`
	// ID is the task's: a copy has another message ID, and the body may name none.
	ID string `json:"id,omitempty"`
}

func newDue(delay time.Duration) due {
	return due{Delay: int64((delay + time.Second - 1) / time.Second)}
}

func (d due) encode() string {
	text, _ := marshal(d) // numbers and a UUID always encode
	return string(text)
}

// readDue reads the attribute. A dead letter that came back has waited already.
func (a *attempt) readDue() error {
	text, ok := a.delivery.Attributes[dueAttribute]
	if !ok || a.rec.Generation > 1 {
		return nil
	}
	var d due
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.Delay < 1 || d.Delay > int64(maxPushDelay/time.Second) || d.Sent < 0 {
		return fmt.Errorf("%s %.60q: give an object with a delay of 1 to %d seconds", dueAttribute, text, maxPushDelay/time.Second)
	}
	a.due = &d
	return nil
}

// sentAt is when the task was first sent.
func (a *attempt) sentAt() time.Time {
	if a.due == nil || a.due.Sent == 0 {
		return a.delivery.SentAt
	}
	return earlier(time.UnixMilli(a.due.Sent), a.delivery.SentAt)
}

// early is how long the task has to wait yet. What time it is, only the broker
// knows: at least that of the message's first receive. When it comes again
// because sending it on has failed, that is too long ago, and the wait too long.
func (a *attempt) early() time.Duration {
	if a.due == nil {
		return 0
	}
	now := a.delivery.SentAt
	if a.delivery.FirstReceivedAt.After(now) {
		now = a.delivery.FirstReceivedAt
	}
	return a.sentAt().Add(time.Duration(a.due.Delay) * time.Second).Sub(now)
}

// hop sends a copy with the next delay, unless the task has an outcome already, as
// by a cancel; the message itself is then acked. A crash in between makes two of
// it, of which the claim lets one run.
func (a *attempt) hop(ctx context.Context, left time.Duration) Outcome {
	ctx, cancel := a.settling(ctx)
	defer cancel()
	switch rec, err := a.load(ctx); {
	case err != nil:
		return a.trouble(err)
	case rec.State.Terminal():
		return a.finished(ctx, rec)
	}
	limits, err := a.limitsOf(ctx)
	if err != nil {
		return a.trouble(err)
	}
	if limits.MaxDelay > 0 {
		left = min(left, limits.MaxDelay)
	}
	next := due{Delay: a.due.Delay, Sent: a.sentAt().Add(time.Millisecond - 1).UnixMilli(), ID: a.rec.ID}
	attributes := maps.Clone(a.delivery.Attributes)
	attributes[dueAttribute] = next.encode()
	_, err = a.hops.do(ctx, port.Message{
		ID: a.rec.ID, Body: a.delivery.Body, Value: a.delivery.Value,
		Attributes: attributes, Group: a.delivery.Group, Delay: left,
	})
	switch err = unknown(err); {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrInvalid):
		return a.bury(ctx, reasonMalformed, fmt.Errorf("cannot be delayed further: %w", err))
	case err != nil:
		return a.trouble(fmt.Errorf("delayed further: %w", err))
	}
	return Outcome{Action: Ack, movedOn: true}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// newHops sends messages on, those of one receive in one call.
func newHops(b Broker) *group[port.Message, struct{}] {
	g := newGroup(port.MaxMessages, func(ctx context.Context, msgs []port.Message) ([]struct{}, error) {
		return nil, retryEach(ctx, msgs, func(some []port.Message) error { return b.Send(ctx, some) })
	})
	g.linger = groupLinger // how many come is not known
	return g
}
