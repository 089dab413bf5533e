package sqs

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jamesTait-jt/goflow/adapters/internal/body"
)

// wire notes what became of the requests of one call: the SDK returns the last
// attempt's error only, and a throttled attempt after a lost answer must not
// look as if nothing had been sent.
type wire struct {
	reached bool // a request got as far as the HTTP client
	doubt   bool // one may have been carried out
	earlier bool // one before the last may have been
}

// watch is an option of a call that makes w see its attempts, and keeps their
// connections alive.
func (w *wire) watch(o *awssqs.Options) {
	o.APIOptions = append(o.APIOptions, body.Plain, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("goflowWire", w.attempt), middleware.After)
	})
}

// attempt runs next to the HTTP client, once per attempt.
func (w *wire) attempt(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	w.reached, w.earlier = true, w.doubt
	out, meta, err := next.HandleDeserialize(ctx, in)
	if err != nil {
		w.doubt = w.doubt || !neverWritten(err)
		return out, meta, err
	}
	if answer, ok := out.RawResponse.(*smithyhttp.Response); !ok || !refusal(answer.StatusCode) {
		w.doubt = true
	}
	return out, meta, nil
}

// refusal reports whether a status means that the request was not carried out.
func refusal(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusInternalServerError && status != http.StatusRequestTimeout
}

// neverWritten reports whether there was not even a connection to write to.
func neverWritten(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	_, dns := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, handshake := errors.AsType[tls.RecordHeaderError](err)
	return dns || certificate || handshake
}
