package goflow

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// localTask is a plain push in this process: one without options. With its payload and
// its first run it is one allocation.
type localTask struct {
	env    *envelope // all that the pushes of its type have in common
	id     string
	flying atomic.Bool // it runs
	ran    bool        // run has been used
	run    localRun
}

// localValue is a localTask with its payload, and what is sent.
type localValue interface {
	base() *localTask
	value() any
}

// typedTask is the localTask of a job, anyTask that of a seed's push.
type (
	typedTask[In any] struct {
		localTask
		in In
	}
	anyTask struct {
		localTask
		in any
	}
)

func (t *localTask) base() *localTask     { return t }
func (t *typedTask[In]) value() any       { return t.in }
func (t *anyTask) value() any             { return t.in }
func plainEnvelope(name string) *envelope { return &envelope{Version: wireVersion, Type: name} }

// whole is the envelope with what is the task's own.
func (t *localTask) whole(v localValue) *envelope {
	e := *t.env
	e.ID, e.value, e.hasValue = t.id, v.value(), true
	return &e
}

// localPush is how a client pushes tasks without options where broker and store are in
// this process: there is no row, no key, no limit and nothing to encode.
type localPush struct {
	broker port.Putter
	ids    localIDs
	waits  localWaits
}

func newLocalPush(b Broker, s Store, ttl time.Duration) *localPush {
	putter, quick := b.(port.Putter)
	notifier, wakes := s.(port.Notifier)
	if !quick || !wakes {
		return nil
	}
	p := &localPush{broker: putter}
	p.waits.init(notifier, ttl)
	return p
}

// push is Client.pushOne for such a task.
func (p *localPush) push(ctx context.Context, c *Client, v localValue) (string, error) {
	t := v.base()
	var now time.Time
	t.id, now = p.ids.next()
	if err := ctx.Err(); err != nil {
		return t.id, err
	}
	if !c.pushes.enter() {
		return t.id, errClientClosed()
	}
	defer c.pushes.leave()
	if err := retryOne(ctx, func() error { return p.broker.Put(ctx, t.id, v, now) }); err != nil {
		return t.id, fmt.Errorf("goflow: push %s: %w", t.env.Type, doubted(err))
	}
	return t.id, nil
}

func errClientClosed() error { return fmt.Errorf("goflow: client: %w", ErrClosed) }

// localIDs makes IDs as newID does, with less effort for each: it draws random bits for
// many, and keeps the text of some in one allocation.
type localIDs struct {
	mu     sync.Mutex
	random [64 * randomOfID]byte
	left   int       // of random
	since  time.Time // when it was drawn: time.Since takes half as long as time.Now
	text   strings.Builder
}

// idsInText is how many IDs share an allocation, which lasts as long as one of them.
const idsInText = 16

func (l *localIDs) next() (id string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == 0 {
		_, _ = rand.Read(l.random[:])
		l.left, l.since = len(l.random), time.Now()
	}
	l.left -= randomOfID
	now = l.since.Add(time.Since(l.since))
	text := idText(uuidOf(now, [randomOfID]byte(l.random[l.left:])))
	if l.text.Cap()-l.text.Len() < len(text) {
		l.text = strings.Builder{}
		l.text.Grow(idsInText * len(text))
	}
	l.text.Write(text[:])
	return l.text.String()[l.text.Len()-len(text):], now
}

// alone tells whether no other push can be of the attempt's task, nor anybody ask for
// it while it runs: then its copies are those of its own message.
func (a *attempt) alone() bool {
	return a.local != nil && a.entry != nil && !a.entry.once && !a.entry.cancellable
}
