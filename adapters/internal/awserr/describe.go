package awserr

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Error is an adapter's error: one line, the sentinel of package port that the
// core decides by, and what the SDK said.
type Error struct {
	text         string
	class, cause error
}

// New makes the error of something that was tried, such as "sqs: send to
// tasks". cause may be nil.
func New(tried string, class, cause error, reason string) *Error {
	return &Error{text: fmt.Sprintf("%s: %v: %s", tried, class, oneLine(reason)), class: class, cause: cause}
}

// Error is the line.
func (e *Error) Error() string { return e.text }

// Unwrap makes both the sentinel and the SDK's error visible to errors.Is.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.class}
	}
	return []error{e.class, e.cause}
}

// maxReason is how much of a cause an error repeats, in bytes.
const maxReason = 400

// Describe says what went wrong and how to mend it, without what the SDK wraps
// around it. action is the permission that the call takes.
func (d *Dialect) Describe(action string, err, class error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code := d.Bare(api.ErrorCode())
		return strings.TrimSuffix(code+": "+api.ErrorMessage(), ": ") + d.advice(action, code)
	}
	if errors.Is(class, port.ErrRefused) {
		return root(err).Error() + "; set AWS_REGION and credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID or a role)"
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() >= http.StatusBadRequest {
		return fmt.Sprintf("HTTP status %d, without an error of the service: something in between answered", answer.HTTPStatusCode())
	}
	if unreachable, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("no answer from %s: %v; check the network, AWS_REGION and AWS_ENDPOINT_URL",
			origin(unreachable.URL), root(unreachable.Err))
	}
	return root(err).Error()
}

// advice is how to mend what a code complains about.
func (d *Dialect) advice(action, code string) string {
	switch {
	case d.Missing(code):
		return "; check the " + d.Thing + "'s name, the region and AWS_ENDPOINT_URL, or create it with goflow provision"
	case d.Forbidden(code):
		return "; allow " + action + " on the " + d.Thing + ", and the use of its key"
	case unauthentic(code):
		return "; check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID or a role) and the clock"
	}
	return ""
}

// root is what an error wraps at the very bottom.
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// origin is the scheme and host of a URL.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// oneLine makes any text a line of bearable length.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) }), " ")
}
