package wire

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/aws/smithy-go"
)

// Faults says what goes wrong with a request, given its context and operation,
// such as SendMessageBatch. It is called once per attempt, concurrently if the
// requests are.
type Faults func(ctx context.Context, operation string) Fault

// Fault is what goes wrong with one request. The zero value is nothing.
type Fault struct {
	Kind Kind
	// Before is the time to the service, After that back. A request whose context
	// ends before, is not carried out; one whose ends after, is.
	Before, After time.Duration
	// Err is what Refused, CutBefore and CutAfter fail with. Default: connection
	// refused, and io.ErrUnexpectedEOF.
	Err error
	// Status and Body are the answer of Failed and FailedAfter. Default: 500,
	// without a body. Any status below 500 promises that nothing was carried out,
	// so it is wrong for FailedAfter.
	Status int
	Body   string
	// Code is the error that Rejected answers with. Default: the service's own
	// word for a throttle.
	Code string
}

// Kind is a kind of fault.
type Kind string

// The kinds. The service is called before CutAfter, Truncated and FailedAfter, but
// not before the others.
const (
	None        Kind = ""
	Refused     Kind = "refused"      // no connection: nothing was sent
	CutBefore   Kind = "cut before"   // the connection breaks on the way to the service
	CutAfter    Kind = "cut after"    // the connection breaks before the answer
	Truncated   Kind = "truncated"    // the connection breaks in the middle of the answer's body
	Failed      Kind = "failed"       // something in between answers, with a body that is no JSON
	FailedAfter Kind = "failed after" // the same, though the service did what was asked
	Rejected    Kind = "rejected"     // the service answers with an error
)

// Kinds are all but None.
func Kinds() []Kind {
	return []Kind{Refused, CutBefore, CutAfter, Truncated, Failed, FailedAfter, Rejected}
}

// reaches reports whether the service gets the request.
func (f *Fault) reaches() bool {
	switch f.Kind {
	case Refused, CutBefore, Failed, Rejected:
		return false
	default:
		return true
	}
}

// instead is what happens in place of the service's answer, if it is not reached.
func (f *Fault) instead(s *service, now time.Time) (*answer, error) {
	switch f.Kind {
	case Failed:
		return f.failed(), nil
	case Rejected:
		code := &smithy.GenericAPIError{Code: cmp.Or(f.Code, s.throttle), Message: "rejected by the simulation"}
		return s.failure(code, now), nil
	case Refused:
		dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		return nil, cmp.Or[error](f.Err, dial)
	default:
		return nil, f.cut()
	}
}

// spoil does to the service's answer what happens on the way back.
func (f *Fault) spoil(a *answer) (*answer, error) {
	switch f.Kind {
	case CutAfter:
		return nil, f.cut()
	case FailedAfter:
		return f.failed(), nil
	case Truncated:
		a.readable = len(a.body) / 2
	default:
	}
	return a, nil
}

func (f *Fault) cut() error { return cmp.Or[error](f.Err, io.ErrUnexpectedEOF) }

func (f *Fault) failed() *answer {
	return plain(cmp.Or(f.Status, http.StatusInternalServerError), f.Body)
}
