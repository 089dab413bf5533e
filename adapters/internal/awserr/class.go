// Package awserr turns what the AWS SDK says into the errors of package port:
// one line that helps, and the sentinel that the core decides by. The services
// differ in their Dialect only.
package awserr

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Dialect is how a service spells its errors. Codes come to its functions bare.
type Dialect struct {
	Thing  string // what its calls are about, such as a queue
	Prefix string // of its codes, which is taken off
	// Missing and Forbidden recognise codes that a person has to mend.
	Missing, Forbidden func(code string) bool
	// Class is the sentinel of the service's own codes; nil for codes that say
	// too little.
	Class func(code string) error
}

// Bare takes what stands around a code off: services spell it differently in
// the errors of calls and of the items of a batch.
func (d *Dialect) Bare(code string) string {
	code = code[strings.LastIndexByte(code, '#')+1:]
	return strings.TrimSuffix(strings.TrimPrefix(code, d.Prefix), "Exception")
}

// ClassOfCode returns the sentinel of a bare code; nil for one that says too
// little.
func (d *Dialect) ClassOfCode(code string) error {
	if code == "ExpiredToken" {
		// Credentials that end are replaced by others: the SDK fetches them for a
		// later call, and a process that stopped would only do the same.
		return port.ErrUnavailable
	}
	if d.Missing(code) || d.Forbidden(code) || unauthentic(code) {
		return port.ErrRefused
	}
	return d.Class(code)
}

// ClassOf returns the sentinel of a call's error. reached says whether a
// request got as far as the HTTP client.
func (d *Dialect) ClassOf(err error, reached bool) error {
	var skewed interface{ RetryableError() bool }
	if errors.As(err, &skewed) && skewed.RetryableError() {
		return port.ErrUnavailable // Our clock was wrong; the SDK has corrected it for the next call.
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return d.classOfAPI(api, err)
	}
	if reached || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !metadataService(err) {
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

func (d *Dialect) classOfAPI(api smithy.APIError, err error) error {
	if class := d.ClassOfCode(d.Bare(api.ErrorCode())); class != nil {
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

func unauthentic(code string) bool {
	switch code {
	case "InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "AuthFailure", "MissingAuthenticationToken",
		"SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature", "ExpiredToken", "RequestExpired",
		"RequestTimeTooSkewed":
		return true
	}
	return false
}
