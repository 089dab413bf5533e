package goflow

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// recordTime is how long the claim lasts under which an outcome is recorded.
const recordTime = time.Minute

// DeadLetter is a message in the dead-letter queue, and what is known of its
// task from the message alone.
type DeadLetter struct {
	ID         string // of the task
	Type       string // of the task; may be empty if the message cannot be read
	Generation int    // that died, from 1 on
	// Reason is one of those that docs/wire-format.md lists, Error the last
	// error.
	Reason, Error string
	// Attempts counts failed attempts, Receives how often the broker handed the
	// message out before the task died.
	Attempts, Receives int
	SentAt             time.Time // when the message was sent to its queue
	DiedAt             time.Time // zero when Unsettled
	// Unsettled: the broker itself gave the message up, so it does not say why,
	// or only why an earlier generation died, and its task may have no outcome.
	// Settle mends that.
	Unsettled  bool
	Body       []byte            // of the message, as docs/wire-format.md describes it
	Attributes map[string]string // of the message, ours included

	delivery port.Delivery
}

func newDeadLetter(d *port.Delivery) DeadLetter {
	env, err := decodeEnvelope(d)
	if err != nil {
		env.Type = "" // it is not a type
	}
	l := DeadLetter{
		ID: env.taskID(d), Type: env.Type, Generation: 1, Reason: reasonMoved, Receives: d.Receives, SentAt: d.SentAt,
		Unsettled: true, Body: d.Body, Attributes: maps.Clone(d.Attributes), delivery: *d,
	}
	note := readDeadLetter(d)
	switch {
	case note == nil:
		return l
	case d.Moved:
		l.Generation = note.Generation + 1 // the note is that of the death before
		return l
	}
	l.Generation, l.Reason, l.Error, l.Unsettled = note.Generation, note.Reason, note.Error, false
	l.Attempts, l.Receives, l.SentAt, l.DiedAt = note.Attempts, note.Receives, note.SentAt, note.DiedAt
	return l
}

// message is the letter on its way to another place. Its ID is not the task's:
// a broker that recognises duplicates would take it for the push, or for the
// dead letter, and swallow it.
func (l *DeadLetter) message() port.Message {
	m := l.delivery.Message
	m.ID, m.Delay = newID(time.Now()), 0
	return m
}

// DeadLetterFilter chooses dead letters. The zero value chooses all.
type DeadLetterFilter struct {
	IDs    []string // of tasks; none: any
	Type   string   // of the task; empty: any
	Reason string   // empty: any
	// After and Before bound when the task died, or for what is Unsettled when
	// it was sent; zero: no bound.
	After, Before time.Time
	Limit         int // the most to take, 0: all
}

func (f *DeadLetterFilter) check() error {
	for _, id := range f.IDs {
		if _, ok := parseID(id); !ok {
			return fmt.Errorf("goflow: %w task ID %.60q: give a UUID", ErrInvalid, id)
		}
	}
	if f.Limit < 0 {
		return fmt.Errorf("goflow: %w limit %d of dead letters: give 0 or more", ErrInvalid, f.Limit)
	}
	return nil
}

func (f *DeadLetterFilter) has(l *DeadLetter) bool {
	isID := func(id string) bool { return strings.EqualFold(id, l.ID) }
	return (len(f.IDs) == 0 || slices.ContainsFunc(f.IDs, isID)) &&
		(f.Type == "" || f.Type == l.Type) && (f.Reason == "" || f.Reason == l.Reason) && f.hasTime(l)
}

func (f *DeadLetterFilter) hasTime(l *DeadLetter) bool {
	died := l.DiedAt
	if died.IsZero() {
		died = l.SentAt
	}
	return (f.After.IsZero() || died.After(f.After)) && (f.Before.IsZero() || died.Before(f.Before))
}

// DeadLetterQueue lists, redrives, settles and drops dead letters. Its methods
// receive the letters under leases, and give back at the end what they do not
// take out: meanwhile others do not see them, and after a crash not before the
// lease ends. No letter is lost at any moment, but one may be there twice. A
// broker gives no exact listing: letters that others hold are not seen.
//
// Each method is a sequence of letters, with the error of what was tried with
// the letter, whose others go on. An error of the whole ends the sequence, with
// a letter that has no ID. Errors are those of the broker and the store;
// ErrInvalid for a bad filter, or when a part is missing that the method needs.
// Letters are taken ten at a time: who leaves the sequence early may not be
// told of up to nine that were redriven, settled or dropped with the last one.
// It is safe for concurrent use.
type DeadLetterQueue struct {
	dead, queue Broker
	store       Store
	shared      shared
}

// NewDeadLetterQueue returns the dead letters in dead, of the tasks in queue
// with records in s. Only Redrive needs the queue, only Redrive and Settle need
// s: otherwise they may be nil. RecordTTL is the option that matters.
func NewDeadLetterQueue(dead, queue Broker, s Store, opts ...ClientOption) (*DeadLetterQueue, error) {
	o, err := newClientOptions(opts)
	if dead == nil || same(dead, queue) {
		err = errors.Join(fmt.Errorf("goflow: %w dead-letter queue: give one, and not the queue itself", ErrInvalid), err)
	}
	return &DeadLetterQueue{dead: dead, queue: queue, store: s, shared: o.shared}, err
}

// List yields the letters that f chooses and leaves them where they are.
func (q *DeadLetterQueue) List(ctx context.Context, f DeadLetterFilter) iter.Seq2[DeadLetter, error] {
	return q.sweep(ctx, &sweep{filter: f})
}

// Drop deletes the letters that f chooses. Their records stay.
func (q *DeadLetterQueue) Drop(ctx context.Context, f DeadLetterFilter) iter.Seq2[DeadLetter, error] {
	return q.sweep(ctx, &sweep{filter: f, act: q.ack})
}

// Settle records the Unsettled among the letters that f chooses: a task without
// an outcome is dead, with the reason "moved by SQS", so that nobody waits for
// it any longer. Then the letter is marked, so that a redrive of whatever kind
// opens the task's next generation: it is sent to the dead-letter queue again
// and the original deleted, in this order. Settling again changes nothing.
// port.ErrClaimed: the task still runs.
func (q *DeadLetterQueue) Settle(ctx context.Context, f DeadLetterFilter) iter.Seq2[DeadLetter, error] {
	if q.store == nil {
		return failed(fmt.Errorf("goflow: settle: %w: it needs the store", ErrInvalid))
	}
	return q.sweep(ctx, &sweep{filter: f, unsettled: true, act: q.settle})
}

func failed(err error) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) { yield(DeadLetter{}, err) }
}

func (q *DeadLetterQueue) ack(ctx context.Context, letters []DeadLetter) error {
	ds := make([]port.Delivery, len(letters))
	for i := range letters {
		ds[i] = letters[i].delivery
	}
	return retryEach(ctx, ds, func(some []port.Delivery) error { return q.dead.Ack(ctx, some) })
}

func (q *DeadLetterQueue) settle(ctx context.Context, letters []DeadLetter) error {
	return q.move(ctx, letters, func(ctx context.Context) error {
		errs := port.ItemErrors{}
		for i := range letters {
			if err := q.sendSettled(ctx, &letters[i], q.dead); err != nil {
				errs[i] = err
			}
		}
		return errs.Err()
	})
}

// move deletes the letters that send has sent. A ctx that ends does not part
// the two: what is sent is deleted.
func (q *DeadLetterQueue) move(ctx context.Context, letters []DeadLetter, send func(context.Context) error) error {
	ctx, cancel := settling(ctx)
	defer cancel()
	err := send(ctx)
	errs := port.ItemErrors{}
	var sent []DeadLetter
	var places []int
	for i := range letters {
		if itemErr := port.ItemError(err, i); itemErr != nil {
			errs[i] = itemErr
			continue
		}
		sent, places = append(sent, letters[i]), append(places, i)
	}
	if len(sent) == 0 {
		return errs.Err()
	}
	err = q.ack(ctx, sent)
	for place, i := range places {
		if itemErr := port.ItemError(err, place); itemErr != nil {
			errs[i] = fmt.Errorf("sent, but a copy stays: %w", itemErr)
		}
	}
	return errs.Err()
}

// sendSettled records an unsettled letter's task, then sends the letter to b
// with the attribute of the generation that ended. It never goes without: the
// letter would be run as if that had not ended.
func (q *DeadLetterQueue) sendSettled(ctx context.Context, l *DeadLetter, b Broker) error {
	rec, err := q.record(ctx, l)
	if err != nil {
		return err
	}
	if env, err := decodeEnvelope(&l.delivery); err == nil && env.Unique != "" {
		if err := releaseKey(ctx, q.store, env.Unique, l.ID); err != nil {
			return err
		}
	}
	l.Generation = max(rec.Generation, 1)
	note := deadLetter{
		ID: l.ID, Generation: l.Generation, Reason: reasonMoved, Error: rec.Error, Attempts: rec.Attempts,
		Receives: l.Receives, SentAt: l.SentAt.UTC(), DiedAt: time.Now().UTC(),
	}
	forms := note.attributes(l.delivery.Attributes)
	return sendFitting(ctx, b, l.message(), forms[:len(forms)-1])
}

// record gives the letter's task an outcome unless it has one, or a newer
// message carries it. It returns the record with the generation that ended.
func (q *DeadLetterQueue) record(ctx context.Context, l *DeadLetter) (Record, error) {
	rec, err := loadOne(ctx, q.store, l.ID)
	rec.Generation = cmp.Or(rec.Generation, l.Generation) // there may be no record
	if err == nil && rec.Epoch > 0 && !rec.State.Terminal() && rec.Generation <= l.Generation {
		rec, err = q.claim(ctx, rec)
	}
	switch {
	case err != nil, rec.State.Terminal():
		return rec, err
	case rec.Generation > l.Generation:
		rec.Generation-- // what is open is a redriven copy's
		return rec, nil
	}
	dead := rec // with the epoch of our claim, if there is one
	dead.State, dead.Reason, dead.Error = task.Dead, reasonMoved, reasonMoved
	if rec.Error != "" {
		dead.Error += ", after " + rec.Error
	}
	dead.Expires = time.Now().Add(q.shared.recordTTL)
	err = retryOne(ctx, func() error { return q.store.Save(ctx, []Record{dead}) })
	if errors.Is(err, ErrFinished) { // a worker was quicker
		return loadOne(ctx, q.store, l.ID)
	}
	return dead, err
}

// claim takes the claim of a task over, as a worker may hold it: only the store
// knows by which clock, and fences it out. It returns the record as it then is.
func (q *DeadLetterQueue) claim(ctx context.Context, rec Record) (Record, error) {
	c := port.Claim{
		ID: rec.ID, Generation: rec.Generation, Token: rand.Text(),
		For: recordTime, Expires: time.Now().Add(q.shared.recordTTL),
	}
	var recs []Record
	err := retryOne(ctx, func() (err error) {
		recs, err = q.store.Claim(ctx, []port.Claim{c})
		return err
	})
	switch {
	case errors.Is(err, ErrFinished):
		return loadOne(ctx, q.store, rec.ID)
	case err != nil:
		return Record{}, err
	}
	return recs[0], nil
}
