package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// op is what was tried, as errors say it.
type op string

const (
	opSave      op = "save to"
	opClaim     op = "claim in"
	opReopen    op = "reopen in"
	opLoad      op = "load from"
	opCheck     op = "describe"
	opProvision op = "provision"
)

// action is the permission that it takes.
func (o op) action() string {
	switch o {
	case opLoad:
		return "dynamodb:BatchGetItem"
	case opCheck:
		return "dynamodb:DescribeTable"
	case opProvision:
		return "dynamodb:CreateTable, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive and dynamodb:UpdateTimeToLive"
	default:
		return "dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate"
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

// fail makes the one line of a failure.
func (s *Store) fail(o op, class, cause error, reason string) *callError {
	return &callError{
		text:  fmt.Sprintf("dynamo: %s %s: %v: %s", o, s.table, class, oneLine(reason)),
		class: class,
		cause: cause,
	}
}

// refused is a failure that no error of the SDK has told of.
func (s *Store) refused(o op, class error, reason string) *callError {
	return s.fail(o, class, nil, reason)
}

// unsent is the failure of a call that the end of its context has prevented.
func (s *Store) unsent(o op, cause error) *callError {
	return s.fail(o, port.ErrUnavailable, cause, cause.Error())
}

// callFailed is the failure of a whole call. Every write may be repeated, so
// one whose answer was lost is ErrUnavailable like one that was not sent.
func (s *Store) callFailed(ctx context.Context, o op, err error, w *wire) *callError {
	class := classOf(err, w)
	reason := describe(o, err, class)
	if ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = nil // It was a time-out of the client's, and must not look like the end of the caller's context.
	}
	return s.fail(o, class, err, reason)
}

// itemFailed is the failure of one item of a batch.
func (s *Store) itemFailed(o op, e *types.BatchStatementError) *callError {
	class := classOfCode(bare(string(e.Code)))
	if class == nil {
		class = port.ErrUnavailable
	}
	cause := &smithy.GenericAPIError{Code: string(e.Code), Message: aws.ToString(e.Message)}
	return s.fail(o, class, cause, describe(o, cause, class))
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

// bare takes what stands around a code off: DynamoDB spells it differently in
// the errors of calls and of items.
func bare(code string) string {
	return strings.TrimSuffix(code[strings.LastIndexByte(code, '#')+1:], "Exception")
}

// classOfCode is nil for codes that say too little.
func classOfCode(code string) error {
	switch {
	case missing(code), forbidden(code), unauthentic(code):
		return port.ErrRefused
	case transient(code):
		return port.ErrUnavailable
	}
	switch code {
	case "ItemCollectionSizeLimitExceeded":
		return port.ErrTooLarge
	case "Validation", "ValidationError", "Serialization":
		return port.ErrInvalid
	}
	return nil
}

func missing(code string) bool { return code == "ResourceNotFound" || code == "TableNotFound" }

func forbidden(code string) bool {
	switch code {
	case "AccessDenied", "NotAuthorized", "OptInRequired",
		"KMSAccessDenied", "KMSDisabled", "KMSInvalidState", "KMSNotFound":
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

// transient codes say that nothing was done and to come again later.
func transient(code string) bool {
	switch code {
	case "ThrottlingError", "Throttling", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "LimitExceeded",
		"InternalServerError", "InternalFailure", "ServiceUnavailable", "TransactionConflict", "TransactionInProgress",
		"ReplicatedWriteConflict", "ResourceInUse", "TableInUse":
		return true
	}
	return false
}
