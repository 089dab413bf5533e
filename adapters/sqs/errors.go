package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

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
	case opProvision:
		return "sqs:CreateQueue, sqs:SetQueueAttributes and sqs:GetQueueAttributes"
	default:
		return "sqs:GetQueueAttributes"
	}
}

// callError is an error of this package: one line, the sentinel of package port
// that the core decides by, and what the SDK said.
type callError struct {
	text         string
	class, cause error
}

func (f *callError) Error() string { return f.text }

// Unwrap makes both the sentinel and the SDK's error visible to errors.Is.
func (f *callError) Unwrap() []error {
	if f.cause == nil {
		return []error{f.class}
	}
	return []error{f.class, f.cause}
}

// site is where something went wrong.
type site struct {
	op    op
	queue string
}

// at is an operation on this broker's queue.
func (b *Broker) at(o op) site { return site{op: o, queue: b.name()} }

// fail makes the one line of an error; cause may be nil.
func (at site) fail(class, cause error, reason string) *callError {
	return &callError{
		text:  fmt.Sprintf("sqs: %s %s: %v: %s", at.op, at.queue, class, oneLine(reason)),
		class: class,
		cause: cause,
	}
}

// unanswered is the error of an entry that the answer to its batch leaves out.
func (at site) unanswered(class error) *callError {
	return at.fail(class, nil, "the answer does not mention this entry of the batch")
}

// callFailed is the error of a whole call.
func (at site) callFailed(ctx context.Context, err error, w *wire) *callError {
	class := classOf(err, w)
	if at.op == opSend && w.doubt && !final(class) {
		class = port.ErrAmbiguous
	}
	reason := describe(at.op, err, class)
	if ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = nil // It was a time-out of ours, and must not look like the end of the caller's context.
	}
	return at.fail(class, err, reason)
}

// final reports whether no attempt at all can have been carried out.
func final(class error) bool {
	return errors.Is(class, port.ErrInvalid) || errors.Is(class, port.ErrTooLarge)
}

// entryFailed is the error of one entry of a batch.
func (at site) entryFailed(f types.BatchResultErrorEntry) *callError {
	class := at.classOfEntry(bare(aws.ToString(f.Code)), f.SenderFault)
	cause := &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: fault(f.SenderFault)}
	return at.fail(class, cause, describe(at.op, cause, class))
}

func (at site) classOfEntry(code string, senderFault bool) error {
	if (at.op == opExtend || at.op == opAck) && code == "InvalidParameterValue" {
		// That is how SQS says that a message is gone, or that its lease would
		// last more than 12 hours: the entry's other fields were checked.
		return port.ErrLeaseLost
	}
	class := classOfCode(code)
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

// classOf decides which sentinel the error of a call is.
func classOf(err error, w *wire) error {
	var skewed interface{ RetryableError() bool }
	if errors.As(err, &skewed) && skewed.RetryableError() {
		return port.ErrUnavailable // Our clock was wrong; the SDK has corrected it for the next call.
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return classOfAPI(api, err)
	}
	if w.reached || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !metadataService(err) {
		return port.ErrUnavailable
	}
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok && !metadataService(err) {
		return port.ErrUnavailable
	}
	return port.ErrRefused // Nothing was sent: no region, no credentials, no endpoint.
}

// metadataService reports whether an instance's metadata service failed: then
// there is no source of credentials at all.
func metadataService(err error) bool {
	for e, ok := errors.AsType[*smithy.OperationError](err); ok; e, ok = errors.AsType[*smithy.OperationError](e.Err) {
		if e.ServiceID == "ec2imds" {
			return true
		}
	}
	return false
}

func classOfAPI(api smithy.APIError, err error) error {
	if class := classOfCode(bare(api.ErrorCode())); class != nil {
		return class
	}
	status := 0
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return port.ErrRefused
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError, api.ErrorFault() == smithy.FaultServer:
		return port.ErrUnavailable
	}
	return port.ErrInvalid
}

// bare takes what stands around a code off: SQS spells it differently in the
// errors of calls and of entries.
func bare(code string) string {
	code = code[strings.LastIndexByte(code, '#')+1:]
	code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
	return strings.TrimSuffix(code, "Exception")
}

// classOfCode is nil for codes that say too little.
func classOfCode(code string) error {
	switch {
	case missing(code), forbidden(code), unauthentic(code):
		return port.ErrRefused
	case throttle(code):
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

func unauthentic(code string) bool {
	switch code {
	case "InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "AuthFailure", "MissingAuthenticationToken",
		"SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature", "ExpiredToken", "RequestExpired",
		"RequestTimeTooSkewed":
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
