package goflow

import (
	"cmp"
	"encoding/json"
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
	chosen   bool // the ID is the program's
	taskType string
	payload  any // an encoded is JSON already
	options  *pushOptions
	err      error

	// On a direct way.
	route    route
	limits   port.Limits
	hash     []byte // of what is sent, where the ID is the program's
	finished bool   // a task of this ID has an outcome: nothing is sent
	keyed    bool   // it may hold the key
	msg      port.Message
}

func (t *pushed) fail(err error) { t.err = fmt.Errorf("goflow: push %s: %w", t.taskType, err) }

// newPushOptions are the options of a push of n tasks.
func newPushOptions(n int, opts []PushOption) (*pushOptions, error) {
	o := &pushOptions{}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt.applyPush(o))
	}
	if n > 1 && (o.id != "" || o.unique.name != "") {
		errs = append(errs, invalid("ID or Unique on a PushMany of %d tasks: give each task its own ID, and push those with a key one by one", n))
	}
	return o, errors.Join(errs...)
}

// prepare gives a task its ID. err is that of the whole push.
func prepare(t task.Task, options *pushOptions, err error) *pushed {
	out := &pushed{id: newID(time.Now()), taskType: t.Type, payload: t.Payload, options: options}
	if chosen := cmp.Or(t.ID, options.id); chosen != "" {
		u, ok := parseID(chosen)
		if !ok {
			return &pushed{options: options, err: fmt.Errorf("goflow: %w ID %.60q of a task: give a UUID, such as IDFrom makes", ErrInvalid, chosen)}
		}
		out.id, out.chosen = formatID(u), true
	}
	if raw, ok := t.Payload.(encoded); ok && !json.Valid(raw) {
		out.err = fmt.Errorf("goflow: %w payload of %s: not valid JSON", ErrInvalid, t.Type)
	}
	out.err = cmp.Or(validType(t.Type), err, out.err)
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

// inTurn hands what is under way to send, so many at a time. Behind one of a
// group that was refused, or behind a chunk of which one failed, nothing of the
// group is sent.
func inTurn(all []*pushed, most int, send func(chunk []*pushed)) {
	held := map[string]bool{} // groups
	hold := func(t *pushed) { held[t.options.group] = t.options.group != "" }
	var chunk []*pushed
	flush := func() {
		send(chunk)
		for _, t := range chunk {
			if t.err != nil {
				hold(t)
			}
		}
		chunk = nil
	}
	for _, t := range all {
		switch {
		case t.err != nil:
			hold(t)
		case t.finished:
		case held[t.options.group]:
			t.fail(port.HeldBack(t.options.group))
		default:
			chunk = append(chunk, t)
		}
		if len(chunk) == most {
			flush()
		}
	}
	if len(chunk) > 0 {
		flush()
	}
}

// doubted adds ErrAmbiguous to an error that does not say that the message was
// not sent.
func doubted(err error) error {
	if unsent(err) || errors.Is(err, ErrAmbiguous) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrAmbiguous, err)
}

// unsent tells whether an error says that the message was not sent.
func unsent(err error) bool {
	return slices.ContainsFunc([]error{errUnsent, ErrTooLarge, ErrInvalid, ErrUnavailable, ErrRefused, ErrClosed},
		func(class error) bool { return errors.Is(err, class) })
}
