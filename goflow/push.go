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

// pushed is one task on its way: into a row where one is asked for, under its
// key, then into the queue. An error ends the way.
type pushed struct {
	id       string
	taskType string
	chosen   bool   // the ID is the program's
	hash     []byte // of what is sent, where the ID is the program's
	finished bool   // a task of this ID has an outcome: nothing is sent
	keyed    bool   // it may hold the key
	msg      port.Message
	err      error
}

func (t *pushed) fail(err error) { t.err = fmt.Errorf("goflow: push %s: %w", t.taskType, err) }

// checkCount says whether options are for as many tasks.
func (o *pushOptions) checkCount(n int) error {
	if n > 1 && (o.id != "" || o.unique.name != "") {
		return invalid("ID or Unique on a PushMany of %d tasks: give each task its own ID, and push those with a key one by one", n)
	}
	return nil
}

// prepare makes a task's ID and message.
func (p *pushing) prepare(t task.Task) *pushed {
	out := &pushed{id: newID(time.Now()), taskType: t.Type}
	if chosen := cmp.Or(t.ID, p.options.id); chosen != "" {
		u, ok := parseID(chosen)
		if !ok {
			return &pushed{err: fmt.Errorf("goflow: %w ID %.60q of a task: give a UUID, such as IDFrom makes", ErrInvalid, chosen)}
		}
		out.id, out.chosen = formatID(u), true
	}
	out.err = p.fillMessage(out, t)
	return out
}

// underWay are the tasks that are to go on.
func underWay(all []*pushed) (some []*pushed) {
	for _, t := range all {
		if t.err == nil && !t.finished {
			some = append(some, t)
		}
	}
	return some
}

// holdBack fails the tasks of a group that stand behind one that is refused.
func (p *pushing) holdBack(all []*pushed) {
	if p.options.group == "" {
		return
	}
	refused := false
	for _, t := range all {
		if refused && t.err == nil && !t.finished {
			t.fail(p.options.heldBack())
		}
		refused = refused || t.err != nil
	}
}

// send queues what is under way, ten in a call. Behind one of a group that could
// not be sent, none of the later tens is.
func (p *pushing) send(ctx context.Context, all []*pushed) {
	p.holdBack(all)
	held := false
	for chunk := range slices.Chunk(underWay(all), port.MaxMessages) {
		err := p.options.heldBack()
		if !held {
			err = p.sendChunk(ctx, chunk)
		}
		for place, t := range chunk {
			if err := port.ItemError(err, place); err != nil {
				held = p.options.group != ""
				t.fail(doubted(err))
			}
		}
	}
}

// sendChunk sends ten, and again those that were unavailable.
func (p *pushing) sendChunk(ctx context.Context, chunk []*pushed) error {
	msgs := make([]port.Message, len(chunk))
	for place, t := range chunk {
		msgs[place] = t.msg
	}
	return retryEach(ctx, msgs, func(some []port.Message) error { return p.route.broker.Send(ctx, some) })
}

// doubted adds ErrAmbiguous to an error that does not say that the message was
// not sent.
func doubted(err error) error {
	for _, unsent := range []error{ErrTooLarge, ErrInvalid, ErrUnavailable, ErrRefused, ErrClosed, ErrAmbiguous} {
		if errors.Is(err, unsent) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrAmbiguous, err)
}
