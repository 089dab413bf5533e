package dynamo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// maxReason is how much of a cause an error repeats, in bytes.
const maxReason = 400

// describe says what went wrong and how to mend it, without what the SDK wraps
// around it.
func describe(o op, err, class error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code := bare(api.ErrorCode())
		return strings.TrimSuffix(code+": "+api.ErrorMessage(), ": ") + advice(o, code)
	}
	if errors.Is(class, port.ErrRefused) {
		return root(err).Error() + "; set AWS_REGION and credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID or a role)"
	}
	if unreachable, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("no answer from %s: %v; check the network, AWS_REGION and AWS_ENDPOINT_URL",
			origin(unreachable.URL), root(unreachable.Err))
	}
	return root(err).Error()
}

// advice is how to mend what a code complains about.
func advice(o op, code string) string {
	switch {
	case missing(code):
		return "; check the table's name, the region and AWS_ENDPOINT_URL, or create it with goflow provision"
	case forbidden(code):
		return "; allow " + o.action() + " on the table, and the use of its key"
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
