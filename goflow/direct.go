package goflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// direct is a client's way over its own brokers and store.
type direct struct {
	routes    routes
	store     Store
	recordTTL time.Duration
}

func newDirect(r routes, s Store, ttl time.Duration) *direct {
	return &direct{routes: r, store: s, recordTTL: ttl}
}

// Load is that of the store.
func (d *direct) Load(ctx context.Context, ids []string, fresh bool) ([]Record, error) {
	return d.store.Load(ctx, ids, fresh)
}

func (d *direct) push(ctx context.Context, all []*pushed) {
	away := map[string]error{} // queues: none is asked again, each time may take seconds
	for _, t := range underWay(all) {
		queue := t.options.queue
		if away[queue] == nil {
			away[queue] = d.find(ctx, t)
		}
		if t.err = away[queue]; t.err == nil {
			t.err = t.address()
		}
	}
	d.writeRows(ctx, all)
	d.takeKeys(ctx, all)
	d.send(ctx, all)
	d.giveKeysBack(ctx, all)
}

// find finds a task's queue.
func (d *direct) find(ctx context.Context, t *pushed) (err error) {
	if t.route, err = d.routes.find(t.options.queue); err != nil {
		return err
	}
	if t.limits, err = t.route.limits(ctx); err != nil {
		return fmt.Errorf("goflow: push: %w", err)
	}
	return nil
}

// address makes a task's message for its queue.
func (t *pushed) address() error {
	if err := t.options.fit(t.limits); err != nil {
		return err
	}
	return t.fillMessage()
}

// long tells whether the delay is longer than the broker's.
func (t *pushed) long() bool { return t.limits.MaxDelay > 0 && t.options.delay > t.limits.MaxDelay }

// fillMessage makes the message of one task.
func (t *pushed) fillMessage() (err error) {
	o := t.options
	e := &envelope{
		Version: wireVersion, ID: t.id, Type: t.taskType, Headers: o.headers,
		TTL: o.expiresIn.Milliseconds(), Options: newWireOptions(o.policy),
		Once: t.chosen || t.long(), Tracked: o.track, Unique: o.unique.row(t.taskType),
	}
	t.msg = port.Message{ID: t.id, Delay: o.delay, Group: cmp.Or(o.group, o.fairKey)}
	if t.long() {
		t.msg.Delay = t.limits.MaxDelay
		t.msg.Attributes = map[string]string{dueAttribute: newDue(o.delay).encode()}
	}
	if err := t.fillBody(e); err != nil {
		return err
	}
	if t.chosen {
		t.hash, err = payloadHash(e)
	}
	return err
}

// fillBody puts the envelope into the message: as it is towards an in-process
// broker, else as JSON.
func (t *pushed) fillBody(e *envelope) (err error) {
	raw, isRaw := t.payload.(encoded)
	e.Payload = []byte(raw)
	if inProcess(t.route.broker) {
		e.value, e.hasValue = t.payload, !isRaw
		t.msg.Value = e
		return nil
	}
	if e.Payload, err = t.encodePayload(); err != nil {
		return err
	}
	e.compact = !isRaw
	if t.msg.Body, err = e.encode(); err != nil {
		return err
	}
	if most := t.limits.MaxMessageBytes - envelopeReserve; t.limits.MaxMessageBytes > 0 && len(t.msg.Body) > most {
		return t.tooLarge(most)
	}
	return nil
}

// tooLarge says what this queue takes. Below nothing, nothing helps but another maximum.
func (t *pushed) tooLarge(most int) error {
	takes := fmt.Sprintf("this queue takes %d", most)
	if most <= 0 {
		takes = fmt.Sprintf("this queue takes %d, of which %d have to stay free: raise its maximum", t.limits.MaxMessageBytes, envelopeReserve)
	}
	return fmt.Errorf("goflow: push %s: message of %d bytes is %w: %s", t.taskType, len(t.msg.Body), ErrTooLarge, takes)
}

func (t *pushed) encodePayload() ([]byte, error) {
	if raw, ok := t.payload.(encoded); ok {
		return raw, nil
	}
	raw, err := marshal(t.payload)
	if err != nil {
		return nil, fmt.Errorf("goflow: %w payload of %s: %w", ErrInvalid, t.taskType, err)
	}
	return raw, nil
}

// send queues what is under way, ten of a queue in a call.
func (d *direct) send(ctx context.Context, all []*pushed) {
	for len(all) > 0 {
		queue := all[0].options.queue
		others := []*pushed{}
		some := slices.DeleteFunc(slices.Clone(all), func(t *pushed) bool {
			other := t.options.queue != queue
			if other {
				others = append(others, t)
			}
			return other
		})
		inTurn(some, port.MaxMessages, func(chunk []*pushed) { sendChunk(ctx, chunk) })
		all = others
	}
}

// sendChunk sends ten, and again those that were unavailable.
func sendChunk(ctx context.Context, chunk []*pushed) {
	msgs := make([]port.Message, len(chunk))
	for place, t := range chunk {
		msgs[place] = t.msg
	}
	err := retryEach(ctx, msgs, func(some []port.Message) error {
		err := chunk[0].route.send(ctx, some)
		if chunk[0].limits.Ordered {
			err = overtaken(some, err)
		}
		return err
	})
	for place, t := range chunk {
		switch err := port.ItemError(err, place); {
		case errors.Is(err, errOvertaken):
			t.fail(fmt.Errorf("%w: %w", ErrUnavailable, err))
		case err != nil:
			t.fail(doubted(err))
		}
	}
}

// errOvertaken is that of a message which cannot be sent again without changing the
// order of its group.
var errOvertaken = errors.New("not sent, and later tasks of its group were")

// overtaken makes of err that messages behind which others of their group have been
// sent, or perhaps have, are not sent again.
func overtaken(msgs []port.Message, err error) error {
	errs, ahead := port.ItemErrors{}, map[string]bool{} // groups
	for i := len(msgs) - 1; i >= 0; i-- {
		itemErr, group := port.ItemError(err, i), msgs[i].Group
		switch {
		case itemErr == nil || !unsent(itemErr):
			ahead[group] = group != ""
		case ahead[group] && errors.Is(itemErr, ErrUnavailable):
			itemErr = fmt.Errorf("%w: %s", errOvertaken, itemErr.Error())
		}
		if itemErr != nil {
			errs[i] = itemErr
		}
	}
	return errs.Err()
}

// cancel writes the outcome, if there is none.
func (d *direct) cancel(ctx context.Context, id string) (Record, error) {
	rec, err := d.end(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) { // which names the task itself
		err = fmt.Errorf("goflow: cancel %s: %w", id, err)
	}
	return rec, err
}

// end records the outcome Cancelled, unless there is one.
func (d *direct) end(ctx context.Context, id string) (Record, error) {
	rec, err := loadOne(ctx, d.store, id)
	if err != nil {
		return Record{}, err
	}
	if rec.State.Terminal() {
		return rec, ErrFinished
	}
	if err := missing(rec, d.recordTTL); err != nil {
		return rec, err
	}
	end := Record{
		ID: id, State: task.Cancelled, Generation: max(rec.Generation, 1), Attempts: rec.Attempts,
		Expires: later(rec.Expires, time.Now().Add(d.recordTTL)), // a long delay's is later
	}
	if err := retryOne(ctx, func() error { return d.store.Save(ctx, []Record{end}) }); err != nil {
		return Record{}, err
	}
	return end, nil
}
