package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Extend changes visibility timeouts: For is rounded up to whole seconds, and
// ErrInvalid when it is negative or over 12 hours. ErrLeaseLost is the answer
// where SQS knows that a lease is over, or that it has lasted 12 hours.
func (b *Broker) Extend(ctx context.Context, leases []port.Lease) error {
	errs := port.ItemErrors{}
	answers, unanswered := newAnswers(errs), b.at(opExtend).unanswered(port.ErrUnavailable)
	in := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.queueURL}
	for i := range leases {
		handle, err := b.handle(opExtend, &leases[i].Delivery)
		if d := leases[i].For; err == nil && (d < 0 || d > maxLease) {
			err = b.at(opExtend).fail(port.ErrInvalid, nil, fmt.Sprintf("lease of %v is not within 0 and %v", d, maxLease))
		}
		if err != nil {
			errs[i] = err
			continue
		}
		answers.expect(i, unanswered)
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: new(strconv.Itoa(i)), ReceiptHandle: &handle, VisibilityTimeout: seconds(leases[i].For),
		})
	}
	if len(in.Entries) == 0 {
		return errs.Err()
	}
	w := &wire{}
	out, err := b.api.ChangeMessageVisibilityBatch(ctx, in, w.watch)
	if err != nil {
		answers.allFailed(b.at(opExtend).callFailed(ctx, err, w))
		return errs.Err()
	}
	for i := range out.Successful {
		answers.succeeded(out.Successful[i].Id)
	}
	answers.failed(out.Failed, func(f types.BatchResultErrorEntry) error { return b.at(opExtend).entryFailed(f, false) })
	return errs.Err()
}

// Ack deletes messages. A lease that was lost is no error; the message may stay
// then, and comes again.
func (b *Broker) Ack(ctx context.Context, ds []port.Delivery) error {
	errs := port.ItemErrors{}
	answers, unanswered := newAnswers(errs), b.at(opAck).unanswered(port.ErrUnavailable)
	in := &awssqs.DeleteMessageBatchInput{QueueUrl: &b.queueURL}
	for i := range ds {
		handle, err := b.handle(opAck, &ds[i])
		if err != nil {
			errs[i] = err
			continue
		}
		answers.expect(i, unanswered)
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: new(strconv.Itoa(i)), ReceiptHandle: &handle,
		})
	}
	if len(in.Entries) == 0 {
		return errs.Err()
	}
	w := &wire{}
	out, err := b.api.DeleteMessageBatch(ctx, in, w.watch)
	if err != nil {
		answers.allFailed(b.at(opAck).callFailed(ctx, err, w))
		return errs.Err()
	}
	for i := range out.Successful {
		answers.succeeded(out.Successful[i].Id)
	}
	answers.failed(out.Failed, b.ackFailed)
	return errs.Err()
}

// ackFailed is nil for a lease that was lost.
func (b *Broker) ackFailed(f types.BatchResultErrorEntry) error {
	if err := b.at(opAck).entryFailed(f, false); !errors.Is(err, port.ErrLeaseLost) {
		return err
	}
	return nil
}

// handle returns the receipt handle of a delivery that is still leased by this
// process's clock or not: SQS has the last word on that.
func (b *Broker) handle(o op, d *port.Delivery) (string, error) {
	handle, ok := d.Handle.(string)
	if !ok || handle == "" {
		return "", b.at(o).fail(port.ErrInvalid, nil, "a delivery that this broker has not made")
	}
	return handle, nil
}

// answers matches the answer to a batch with what was sent. Every entry that
// was sent counts as failed until it is answered.
type answers struct {
	errs port.ItemErrors
	sent map[string]int
}

func newAnswers(errs port.ItemErrors) *answers {
	return &answers{errs: errs, sent: make(map[string]int, port.MaxMessages)}
}

func (a *answers) expect(index int, unanswered error) {
	a.sent[strconv.Itoa(index)] = index
	a.errs[index] = unanswered
}

func (a *answers) succeeded(id *string) {
	if i, ok := a.index(id); ok {
		delete(a.errs, i)
	}
}

// failed notes what judge makes of each; nil is a success.
func (a *answers) failed(entries []types.BatchResultErrorEntry, judge func(types.BatchResultErrorEntry) error) {
	for _, f := range entries {
		i, ok := a.index(f.Id)
		if !ok {
			continue
		}
		delete(a.errs, i)
		if err := judge(f); err != nil {
			a.errs[i] = err
		}
	}
}

func (a *answers) allFailed(err error) {
	for _, i := range a.sent {
		a.errs[i] = err
	}
}

func (a *answers) index(id *string) (int, bool) {
	if id == nil {
		return 0, false
	}
	i, ok := a.sent[*id]
	return i, ok
}
