package sqs

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/adapters/internal/awserr"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// fifoSuffix ends the name of every FIFO queue, and of no other.
const fifoSuffix = ".fifo"

func isFIFO(nameOrURL string) bool { return strings.HasSuffix(nameOrURL, fifoSuffix) }

// Ordered tells whether the queue keeps order, which its name says.
func (b *Broker) Ordered() bool { return isFIFO(b.queueURL) }

// checkOrder returns what a FIFO queue would refuse, or nil.
func (b *Broker) checkOrder(m *port.Message) *awserr.Error {
	switch at := b.at(opSend); {
	case !b.Ordered():
		return nil
	case m.Delay > 0:
		return at.fail(port.ErrInvalid, nil, fmt.Sprintf("a delay of %v: a queue that keeps order takes none", m.Delay))
	case m.ID == "" || len(m.ID) > maxGroupLength || !graphic(m.ID):
		return at.fail(port.ErrInvalid, nil, fmt.Sprintf("ID %q: a queue that keeps order needs one", m.ID))
	}
	return nil
}

// keepOrder names the group of an entry, and on a FIFO queue the ID by which it
// knows a copy within five minutes. It is the task's, never the body's hash: two
// tasks may have the same body.
func (b *Broker) keepOrder(e *types.SendMessageBatchRequestEntry, m *port.Message) {
	group := m.Group
	if b.Ordered() {
		group = cmp.Or(group, m.ID)
		e.MessageDeduplicationId = &m.ID
	}
	if group != "" {
		e.MessageGroupId = &group
	}
}

// mayOvertake says whether messages may go out although earlier ones of their
// batch did not.
func (b *Broker) mayOvertake(errs port.ItemErrors, earlier []entry) bool {
	if !b.Ordered() {
		return true
	}
	for i := range earlier {
		if errs[earlier[i].index] != nil {
			return false
		}
	}
	return true
}

// heldBack is the error of what was not sent so as not to overtake.
func (b *Broker) heldBack() *awserr.Error {
	return b.at(opSend).fail(port.ErrUnavailable, nil, "not sent, as an earlier message of the batch was not")
}
