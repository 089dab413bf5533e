package goflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// deadAttribute is the message attribute that says why a task died.
const deadAttribute = "goflow-dead"

// Why a task is dead, in its dead letter.
const (
	reasonFailed    = "failed"         // its last attempt failed
	reasonPermanent = "permanent"      // its handler said that no retry helps
	reasonMalformed = "malformed"      // the message cannot be read
	reasonUnknown   = "unknown type"   // no handler knows it
	reasonCrashed   = "crashed"        // it kills its process
	reasonResult    = "result refused" // its result cannot be encoded or stored
	reasonMoved     = "moved by SQS"   // no worker got it to an outcome, and the broker gave up
)

// maxGeneration is the last one: more than anybody redrives, and as much as the
// gRPC API can say.
const maxGeneration = math.MaxInt32

// deadLetter is the attribute of a dead letter, as JSON of at most 4 KiB.
type deadLetter struct {
	ID         string    `json:"id"`
	Generation int       `json:"generation"`
	Reason     string    `json:"reason"`
	Error      string    `json:"error,omitempty"`
	Attempts   int       `json:"attempts"`
	Receives   int       `json:"receives"`
	SentAt     time.Time `json:"sentAt,omitzero"`
	DiedAt     time.Time `json:"diedAt"`
}

// attributes are those of the dead letter, from the fullest to what fits beside
// any body: all, then ours alone, then the least that a redrive needs, then
// none. Only a message by hand can have a body that leaves no room.
func (l deadLetter) attributes(own map[string]string) []map[string]string {
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	all[deadAttribute] = l.encode()
	least := deadLetter{ID: l.ID, Generation: l.Generation, Reason: l.Reason}
	return []map[string]string{all, {deadAttribute: l.encode()}, {deadAttribute: least.encode()}, nil}
}

func (l deadLetter) encode() string {
	text, _ := marshal(l) // strings, numbers and times always encode
	return string(text)
}

// sendFitting sends msg with the first of the attributes with which it fits.
func sendFitting(ctx context.Context, b port.Broker, msg port.Message, attributes []map[string]string) (err error) {
	for _, msg.Attributes = range attributes {
		err = retryOne(ctx, func() error { return b.Send(ctx, []port.Message{msg}) })
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrInvalid) {
			break
		}
	}
	return err
}

// readDeadLetter returns what a delivery's attribute says; nil without one.
func readDeadLetter(d *port.Delivery) *deadLetter {
	text, ok := d.Attributes[deadAttribute]
	if !ok {
		return nil
	}
	var dead deadLetter
	if json.Unmarshal([]byte(text), &dead) != nil || dead.Generation < 1 || dead.Generation >= maxGeneration {
		return nil
	}
	return &dead
}

// bury stores the failure and sends the message to the dead letters, in this
// order: whoever waits is served even while the dead-letter queue is down.
func (a *attempt) bury(ctx context.Context, reason string, cause error) Outcome {
	a.rec.State, a.rec.Error, a.rec.Result, a.rec.Value = task.Dead, text(cause), nil, nil
	a.rec.Reason = reason
	if err := a.save(ctx); err != nil {
		return a.unsaved(ctx, err)
	}
	return a.sendDeadLetter(ctx, a.rec)
}

// sendDeadLetter hands a dead task's message to the dead-letter queue, which
// may so get it twice. The reason is the record's: after a crash nobody else
// knows it.
func (a *attempt) sendDeadLetter(ctx context.Context, rec Record) Outcome {
	reason := cmp.Or(rec.Reason, reasonFailed)
	a.opts.shared.log.WarnContext(ctx, "task is dead", logTask(rec.ID, a.env.Type), slog.String("reason", reason))
	if a.opts.dead == nil {
		return Outcome{Action: Ack}
	}
	note := deadLetter{
		ID: rec.ID, Generation: rec.Generation, Reason: reason, Error: rec.Error, Attempts: rec.Attempts,
		Receives: a.delivery.Receives, SentAt: a.delivery.SentAt.UTC(), DiedAt: time.Now().UTC(),
	}
	ctx, cancel := a.settling(ctx)
	defer cancel()
	msg := port.Message{
		ID: letterID(rec.ID, rec.Generation), Group: a.delivery.Group, Body: a.delivery.Body, Value: a.delivery.Value,
	}
	if err := sendFitting(ctx, a.opts.dead, msg, note.attributes(a.delivery.Attributes)); err != nil {
		return a.trouble(fmt.Errorf("dead-letter queue: %w", err))
	}
	return Outcome{Action: Ack}
}

// exhausted buries a task that comes again though it has no attempt left: its last
// run has killed its process, or it may fail less often here than it has.
func (a *attempt) exhausted(ctx context.Context) Outcome {
	if a.rec.Starts == 0 {
		return a.bury(ctx, reasonFailed, errors.New(a.rec.Error))
	}
	return a.bury(ctx, reasonCrashed, fmt.Errorf("the task's process died %d times while it ran", a.rec.Starts))
}
