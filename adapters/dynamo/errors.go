package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/adapters/internal/awserr"
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
	opExpiry    op = "read the time to live of"
)

// action is the permission that it takes.
func (o op) action() string {
	switch o {
	case opLoad:
		return "dynamodb:BatchGetItem"
	case opCheck:
		return "dynamodb:DescribeTable"
	case opExpiry:
		return "dynamodb:DescribeTimeToLive"
	case opProvision:
		return "dynamodb:CreateTable, dynamodb:DescribeTable, dynamodb:DescribeTimeToLive and dynamodb:UpdateTimeToLive"
	default:
		return "dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate"
	}
}

// fail makes the one line of a failure.
func (s *Store) fail(o op, class, cause error, reason string) *awserr.Error {
	return awserr.New(fmt.Sprintf("dynamo: %s %s", o, s.table), class, cause, reason)
}

// refused is a failure that no error of the SDK has told of.
func (s *Store) refused(o op, class error, reason string) *awserr.Error {
	return s.fail(o, class, nil, reason)
}

// unsent is the failure of a call that the end of its context has prevented.
func (s *Store) unsent(o op, cause error) *awserr.Error {
	return s.fail(o, port.ErrUnavailable, cause, cause.Error())
}

// callFailed is the failure of a whole call. Every write may be repeated, so
// one whose answer was lost is ErrUnavailable like one that was not sent.
func (s *Store) callFailed(ctx context.Context, o op, err error, w *wire) *awserr.Error {
	class := dialect().ClassOf(err, w.reached)
	reason := dialect().Describe(o.action(), err, class)
	if ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = nil // It was a time-out of the client's, and must not look like the end of the caller's context.
	}
	return s.fail(o, class, err, reason)
}

// itemFailed is the failure of one item of a batch.
func (s *Store) itemFailed(o op, e *types.BatchStatementError) *awserr.Error {
	class := dialect().ClassOfCode(dialect().Bare(string(e.Code)))
	if class == nil {
		class = port.ErrUnavailable
	}
	cause := &smithy.GenericAPIError{Code: string(e.Code), Message: aws.ToString(e.Message)}
	return s.fail(o, class, cause, dialect().Describe(o.action(), cause, class))
}

// dialect is how DynamoDB spells its errors.
func dialect() *awserr.Dialect {
	return &awserr.Dialect{Thing: "table", Missing: missing, Forbidden: forbidden, Class: classOfOwn}
}

// classOfOwn is nil for codes that say too little.
func classOfOwn(code string) error {
	if transient(code) {
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
