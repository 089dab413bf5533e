package convert

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
)

// Domain is that of the google.rpc.ErrorInfo of GoFlow's errors.
const Domain = "goflow"

// kind is an error's sort: in the core, on the wire, and as gRPC's code.
type kind struct {
	err    error
	reason rpc.Reason
	code   codes.Code
}

// kinds are in the order in which an error that is several of them is judged.
func kinds() []kind {
	return []kind{
		{port.ErrAmbiguous, rpc.Reason_REASON_AMBIGUOUS, codes.Unknown},
		{goflow.ErrDuplicateTask, rpc.Reason_REASON_DUPLICATE_TASK, codes.AlreadyExists},
		{goflow.ErrNotUnique, rpc.Reason_REASON_NOT_UNIQUE, codes.AlreadyExists},
		{goflow.ErrNotFound, rpc.Reason_REASON_NOT_FOUND, codes.NotFound},
		{port.ErrFinished, rpc.Reason_REASON_FINISHED, codes.FailedPrecondition},
		{port.ErrClaimed, rpc.Reason_REASON_CLAIMED, codes.FailedPrecondition},
		{port.ErrInvalid, rpc.Reason_REASON_INVALID, codes.InvalidArgument},
		{port.ErrTooLarge, rpc.Reason_REASON_TOO_LARGE, codes.InvalidArgument},
		{port.ErrRefused, rpc.Reason_REASON_REFUSED, codes.Internal},
		{port.ErrRefused, rpc.Reason_REASON_UNAUTHENTICATED, codes.Unauthenticated},
		{port.ErrRefused, rpc.Reason_REASON_FORBIDDEN, codes.PermissionDenied},
		{port.ErrClosed, rpc.Reason_REASON_CLOSED, codes.Unavailable},
		{port.ErrUnavailable, rpc.Reason_REASON_UNAVAILABLE, codes.Unavailable},
	}
}

// remoteError is an error of the other side: its words, and the core's error
// that it is.
type remoteError struct {
	text string
	kind error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

// Error returns the error of an item as it travels; nil for nil. What is of no
// sort, such as the end of a context before anything was sent, is UNAVAILABLE.
func Error(err error) *rpc.Error {
	if err == nil {
		return nil
	}
	e := &rpc.Error{Reason: rpc.Reason_REASON_UNAVAILABLE, Message: text(err.Error())}
	for _, k := range kinds() {
		if errors.Is(err, k.err) {
			e.Reason = k.reason
			break
		}
	}
	if unique, ok := errors.AsType[*goflow.NotUniqueError](err); ok {
		e.OwnerId = unique.OwnerID
	}
	return e
}

// FromError returns the error that e is; nil for nil. key is that of the push,
// which the wire does not repeat.
func FromError(e *rpc.Error, key string) error {
	if e == nil {
		return nil
	}
	return fromReason(e.GetReason(), e.GetMessage(), &goflow.NotUniqueError{Key: key, OwnerID: e.GetOwnerId()})
}

func fromReason(reason rpc.Reason, text string, unique *goflow.NotUniqueError) error {
	out := &remoteError{text: text, kind: port.ErrAmbiguous} // nothing is known of a sort from a later release
	for _, k := range kinds() {
		if k.reason == reason {
			out.kind = k.err
		}
	}
	if reason == rpc.Reason_REASON_NOT_UNIQUE {
		out.kind = unique
	}
	return out
}

// Status returns the error of a whole call. The end of a context is its own
// code, also of a wait that it ended.
func Status(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	e := Error(err)
	for _, k := range kinds() {
		if k.reason == e.GetReason() {
			return refusal(k.code, e)
		}
	}
	return status.Error(codes.Internal, err.Error())
}

// Refusal is an error of GoFlow's own, with its sort as a detail.
func Refusal(code codes.Code, reason rpc.Reason, text string) error {
	return refusal(code, &rpc.Error{Reason: reason, Message: text})
}

func refusal(code codes.Code, e *rpc.Error) error {
	info := &errdetails.ErrorInfo{Reason: e.GetReason().String(), Domain: Domain}
	if e.GetOwnerId() != "" {
		info.Metadata = map[string]string{"owner": e.GetOwnerId()}
	}
	st, err := status.New(code, strings.ToValidUTF8(e.GetMessage(), "\uFFFD")).WithDetails(info)
	if err != nil { // only for codes.OK
		return status.Error(codes.Internal, err.Error())
	}
	return st.Err()
}

// Info returns what GoFlow itself said of an error; nil if it is not GoFlow's.
func Info(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return info
		}
	}
	return nil
}

// FromStatus returns the core's error for a call that GoFlow itself refused;
// nil for an error that is not GoFlow's: the caller knows what it may mean.
func FromStatus(err error) error {
	info := Info(err)
	if info == nil {
		return nil
	}
	reason := rpc.Reason(rpc.Reason_value[info.GetReason()])
	return fromReason(reason, status.Convert(err).Message(), &goflow.NotUniqueError{OwnerID: info.GetMetadata()["owner"]})
}
