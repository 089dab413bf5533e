package goflow

import (
	"strconv"
	"strings"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// maxGroup is the longest name of a group, in characters.
const maxGroup = 128

// Group makes the tasks of one name run one after the other, in the order in which
// their pushes returned: 1 to 128 visible ASCII characters. It needs a broker that
// keeps order, a FIFO queue of SQS for example, and is ErrInvalid towards any
// other; there, a task without Group is a group of its own. While a task waits for
// its retry its group waits with it, other groups go on; when it is dead, its group
// goes on without it.
//
// A PushMany with Group sends no task behind one that is refused, nor behind ten of
// which one could not be sent. Within ten, the broker may take a later one and not
// an earlier one.
func Group(name string) PushOption {
	return pushOption(func(p *pushOptions) error {
		p.group = name
		return validGroup("Group", name)
	})
}

// FairKey says whose task it is, a tenant's for example: 1 to 128 visible ASCII
// characters. On a standard queue of SQS a key with many tasks then holds up the
// others less; each request with such messages costs a little more there, see
// https://aws.amazon.com/sqs/pricing/. Brokers that know no fairness ignore it. It
// is no order: towards a broker that keeps order it is ErrInvalid, use Group.
func FairKey(key string) PushOption {
	return pushOption(func(p *pushOptions) error {
		p.fairKey = key
		return validGroup("FairKey", key)
	})
}

func validGroup(option, name string) error {
	if name == "" || len(name) > maxGroup || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid("%s(%q): give 1 to %d visible ASCII characters", option, name, maxGroup)
	}
	return nil
}

// fit says which option the broker cannot serve.
func (p *pushOptions) fit(l port.Limits) error {
	switch {
	case p.group != "" && !l.Ordered:
		return invalid("Group(%q): this queue keeps no order: push to one that does, or give FairKey for fairness alone", p.group)
	case p.fairKey != "" && l.Ordered:
		return invalid("FairKey(%q): this queue keeps order: give Group", p.fairKey)
	case p.delay > 0 && l.Ordered:
		return invalid("Delay(%v): this queue keeps order and delays no task: give 0", p.delay)
	}
	return nil
}

// letterID names a dead letter: a second death is no copy of the first one, also
// for a broker that knows IDs again.
func letterID(id string, generation int) string { return id + "." + strconv.Itoa(generation) }
