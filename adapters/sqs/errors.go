package sqs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/adapters/internal/awserr"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// op is what was tried, as errors say it.
type op string

const (
	opSend      op = "send to"
	opReceive   op = "receive from"
	opExtend    op = "extend leases of"
	opAck       op = "ack to"
	opRead      op = "read attributes of"
	opResolve   op = "find queue"
	opProvision op = "provision"
	opMove      op = "move all of"
)

// action is the permission that it takes.
func (o op) action() string {
	switch o {
	case opSend:
		return "sqs:SendMessage"
	case opReceive:
		return "sqs:ReceiveMessage"
	case opExtend:
		return "sqs:ChangeMessageVisibility"
	case opAck:
		return "sqs:DeleteMessage"
	case opResolve:
		return "sqs:GetQueueUrl"
	case opMove:
		return "sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks and sqs:CancelMessageMoveTask"
	case opProvision:
		return "sqs:CreateQueue, sqs:SetQueueAttributes and sqs:GetQueueAttributes"
	default:
		return "sqs:GetQueueAttributes"
	}
}

// site is where something went wrong.
type site struct {
	op    op
	queue string
}

// at is an operation on this broker's queue.
func (b *Broker) at(o op) site { return site{op: o, queue: b.name()} }

// fail makes the one line of an error; cause may be nil.
func (at site) fail(class, cause error, reason string) *awserr.Error {
	return awserr.New(fmt.Sprintf("sqs: %s %s", at.op, at.queue), class, cause, reason)
}

// unanswered is the error of an entry that the answer to its batch leaves out.
func (at site) unanswered(class error) *awserr.Error {
	return at.fail(class, nil, "the answer does not mention this entry of the batch")
}

// callFailed is the error of a whole call.
func (at site) callFailed(ctx context.Context, err error, w *wire) *awserr.Error {
	class := dialect().ClassOf(err, w.reached)
	if at.op == opSend && w.doubt && !final(class) {
		class = port.ErrAmbiguous
	}
	reason := dialect().Describe(at.op.action(), err, class)
	if ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = nil // It was a time-out of ours, and must not look like the end of the caller's context.
	}
	return at.fail(class, err, reason)
}

// final reports whether no attempt at all can have been carried out.
func final(class error) bool {
	return errors.Is(class, port.ErrInvalid) || errors.Is(class, port.ErrTooLarge)
}

// entryFailed is the error of one entry of a batch; doubt is that it was carried out
// by an attempt before the one that was answered.
func (at site) entryFailed(f types.BatchResultErrorEntry, doubt bool) *awserr.Error {
	class := at.classOfEntry(dialect().Bare(aws.ToString(f.Code)), f.SenderFault)
	if doubt && !final(class) {
		class = port.ErrAmbiguous
	}
	cause := &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: fault(f.SenderFault)}
	return at.fail(class, cause, dialect().Describe(at.op.action(), cause, class))
}

func (at site) classOfEntry(code string, senderFault bool) error {
	if (at.op == opExtend || at.op == opAck) && code == "InvalidParameterValue" {
		// That is how SQS says that a message is gone, or that its lease would
		// last more than 12 hours: the entry's other fields were checked.
		return port.ErrLeaseLost
	}
	class := dialect().ClassOfCode(code)
	switch {
	case class != nil:
		return class
	case senderFault:
		return port.ErrInvalid
	case at.op == opSend:
		return port.ErrAmbiguous
	}
	return port.ErrUnavailable
}

func fault(sender bool) smithy.ErrorFault {
	if sender {
		return smithy.FaultClient
	}
	return smithy.FaultServer
}

// dialect is how SQS spells its errors.
func dialect() *awserr.Dialect {
	return &awserr.Dialect{
		Thing: "queue", Prefix: "AWS.SimpleQueueService.",
		Missing: missing, Forbidden: forbidden, Class: classOfOwn,
	}
}

// classOfOwn is nil for codes that say too little.
func classOfOwn(code string) error {
	if throttle(code) {
		return port.ErrUnavailable
	}
	switch code {
	case "BatchRequestTooLong", "MessageTooLong":
		return port.ErrTooLarge
	case "InvalidMessageContents", "InvalidAttributeName", "InvalidAttributeValue", "InvalidParameterValue", "UnsupportedOperation":
		return port.ErrInvalid
	case "ReceiptHandleIsInvalid", "MessageNotInflight":
		return port.ErrLeaseLost
	}
	return nil
}

func missing(code string) bool {
	switch code {
	case "QueueDoesNotExist", "NonExistentQueue", "QueueDeletedRecently", "ResourceNotFound", "InvalidAddress":
		return true
	}
	return false
}

func forbidden(code string) bool {
	switch code {
	case "AccessDenied", "NotAuthorized", "InvalidSecurity", "OptInRequired",
		"KmsAccessDenied", "KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired",
		"KMS.AccessDenied", "KMS.Disabled", "KMS.InvalidKeyUsage", "KMS.InvalidState", "KMS.NotFound", "KMS.OptInRequired":
		return true
	}
	return false
}

// throttle codes say that nothing was done and to come again later.
func throttle(code string) bool {
	switch code {
	case "RequestThrottled", "Throttling", "Throttled", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "OverLimit",
		"KmsThrottled", "KMS.Throttling":
		return true
	}
	return false
}
