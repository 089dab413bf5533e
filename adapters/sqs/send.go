package sqs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/adapters/internal/awserr"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// entry is a message on its way: its index in the batch, and what it counts
// towards SQS's limits.
type entry struct {
	index, size int
	request     types.SendMessageBatchRequestEntry
}

// Send makes messages durable, in as few calls as 1 MiB a call allows. Besides
// what [port.Broker] says: ErrRefused for a queue that is missing or forbidden.
// A message that SQS surely has not taken because ctx ended is ErrUnavailable
// and ctx.Err(); one that was on the wire then is ErrAmbiguous.
func (b *Broker) Send(ctx context.Context, msgs []port.Message) error {
	errs := port.ItemErrors{}
	calls := [][]entry{nil}
	size := 0
	for i := range msgs {
		e, err := b.entry(i, &msgs[i])
		if err != nil {
			errs[i] = err
			continue
		}
		if size+e.size > maxBytes {
			calls, size = append(calls, nil), 0
		}
		last := len(calls) - 1
		calls[last], size = append(calls[last], e), size+e.size
	}
	for i, call := range calls {
		if i > 0 && !b.mayOvertake(errs, calls[i-1]) {
			note(errs, call, b.heldBack())
			continue
		}
		b.sendCall(ctx, call, errs)
	}
	return errs.Err()
}

// sendCall sends what fits into one request and notes what failed.
func (b *Broker) sendCall(ctx context.Context, call []entry, errs port.ItemErrors) {
	if len(call) == 0 {
		return
	}
	in := &awssqs.SendMessageBatchInput{QueueUrl: &b.queueURL}
	for i := range call {
		in.Entries = append(in.Entries, call[i].request)
	}
	w := &wire{}
	out, err := b.api.SendMessageBatch(ctx, in, w.watch)
	if err != nil {
		b.sendFailed(ctx, call, errs, b.at(opSend).callFailed(ctx, err, w))
		return
	}
	answers, unanswered := newAnswers(errs), b.at(opSend).unanswered(port.ErrAmbiguous)
	for i := range call {
		answers.expect(call[i].index, unanswered)
	}
	for i := range out.Successful {
		answers.succeeded(out.Successful[i].Id)
	}
	answers.failed(out.Failed, func(f types.BatchResultErrorEntry) error { return b.at(opSend).entryFailed(f, w.earlier) })
}

// sendFailed notes the error of a whole call. A request that SQS finds wrong,
// was not carried out; so that one bad message does not take others with it,
// each is then sent alone.
func (b *Broker) sendFailed(ctx context.Context, call []entry, errs port.ItemErrors, err *awserr.Error) {
	if !final(err) || len(call) == 1 {
		note(errs, call, err)
		return
	}
	for i := range call {
		b.sendCall(ctx, call[i:i+1], errs)
	}
}

// note gives every entry of a call the same error.
func note(errs port.ItemErrors, call []entry, err error) {
	for i := range call {
		errs[call[i].index] = err
	}
}

// entry checks a message as SQS would, and makes an entry of it.
func (b *Broker) entry(index int, m *port.Message) (entry, error) {
	size, err := b.check(m)
	if err != nil {
		return entry{}, err
	}
	if err := b.checkOrder(m); err != nil {
		return entry{}, err
	}
	e := entry{index: index, size: size, request: types.SendMessageBatchRequestEntry{
		Id:           new(strconv.Itoa(index)),
		MessageBody:  new(string(m.Body)),
		DelaySeconds: seconds(m.Delay),
	}}
	b.keepOrder(&e.request, m)
	if len(m.Attributes) > 0 {
		e.request.MessageAttributes = make(map[string]types.MessageAttributeValue, len(m.Attributes))
	}
	for name, value := range m.Attributes {
		e.request.MessageAttributes[name] = types.MessageAttributeValue{DataType: new(stringType), StringValue: &value}
	}
	return e, nil
}

const stringType = "String"

// check returns the size of a message that SQS takes.
func (b *Broker) check(m *port.Message) (int, error) {
	at := b.at(opSend)
	size, err := at.attributesSize(m.Attributes)
	if err != nil {
		return 0, err
	}
	size += len(m.Body)
	limit := b.messageLimit()
	switch {
	case m.Delay < 0 || m.Delay > maxDelay:
		return 0, at.fail(port.ErrInvalid, nil, fmt.Sprintf("delay %v is not within 0 and %v", m.Delay, maxDelay))
	case len(m.Group) > maxGroupLength || !graphic(m.Group):
		return 0, at.fail(port.ErrInvalid, nil, fmt.Sprintf("group %q", m.Group))
	case size > limit:
		return 0, at.fail(port.ErrTooLarge, nil, fmt.Sprintf("%d bytes with attributes, the limit is %d", size, limit))
	case len(m.Body) == 0 || !printable(string(m.Body)):
		return 0, at.fail(port.ErrInvalid, nil, "the body is empty or not text that SQS takes")
	}
	return size, nil
}

// attributesSize returns what attributes that SQS takes count towards the limit.
func (at site) attributesSize(attrs map[string]string) (int, error) {
	if len(attrs) > maxAttributes {
		return 0, at.fail(port.ErrInvalid, nil, fmt.Sprintf("%d attributes are more than %d", len(attrs), maxAttributes))
	}
	size := 0
	for name, value := range attrs {
		if !nameForm(name) || value == "" || !printable(value) {
			return 0, at.fail(port.ErrInvalid, nil, fmt.Sprintf("attribute %q", name))
		}
		size += len(name) + len(stringType) + len(value)
	}
	return size, nil
}

// messageLimit is the queue's, once Limits has read it, or SQS's own.
func (b *Broker) messageLimit() int {
	if known := b.limits.Load(); known != nil && known.MaxMessageBytes > 0 {
		return known.MaxMessageBytes
	}
	return maxBytes
}

// nameForm reports whether SQS takes s as the name of an attribute.
func nameForm(s string) bool {
	return s != "" && len(s) <= maxNameLength && !strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '.', r == '-':
			return false
		}
		return true
	})
}

// graphic reports whether s has visible ASCII characters only, as groups do.
func graphic(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// printable reports whether s is UTF-8 and has only characters that SQS takes.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
	})
}
