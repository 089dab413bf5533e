// Package wire lets the SDK's real clients talk to simulated services without a
// socket: it decodes their requests, calls the services, and answers as SQS and
// DynamoDB do over HTTP, or fails as networks and proxies do. All of its time is
// that of the caller's testing/synctest bubble.
package wire

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// Transport stands where the SDK has an HTTP client. It may be used
// concurrently, but in one synctest bubble only.
type Transport struct {
	// Timeout is how long a request may take, as of [http.Client]. Default 0: as
	// long as its context, which is the default of the SDK. It is set before the
	// first request.
	Timeout time.Duration

	services map[string]*service // by the first half of X-Amz-Target
	faults   Faults
	skew     atomic.Int64
}

var _ aws.HTTPClient = (*Transport)(nil)

// New returns a Transport to these two services. faults says of each request what
// goes wrong; nil: nothing does. The services may return any error: what is a
// smithy.APIError becomes an answer with the status and the header that the
// service has for it, everything else is an error of the network.
//
// A service is called in a goroutine of its own, with the values of the caller's
// context but without its end, and goes on when the caller has left: what a long
// poll brings then is stranded, as with SQS.
func New(queues sqs.API, table dynamo.API, faults Faults) *Transport {
	if faults == nil {
		faults = func(context.Context, string) Fault { return Fault{} }
	}
	return &Transport{
		services: map[string]*service{"AmazonSQS": queueService(queues), "DynamoDB_20120810": tableService(table)},
		faults:   faults,
	}
}

// SetSkew puts the services' clock ahead of the bubble's: the Date of answers, and
// the age of signatures, which they refuse from five minutes on. Processes have
// the bubble's clock, so those of one simulation need Transports with one skew.
func (t *Transport) SetSkew(ahead time.Duration) { t.skew.Store(int64(ahead)) }

func (t *Transport) now() time.Time { return time.Now().Add(time.Duration(t.skew.Load())) }

// Do carries out one request. Every error is a [url.Error], as of [http.Client].
func (t *Transport) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.Timeout)
		defer cancel()
	}
	answer, err := t.exchange(ctx, r)
	if err != nil {
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: err}
	}
	return answer.http(r), nil
}

func (t *Transport) exchange(ctx context.Context, r *http.Request) (*answer, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s, known := t.services[target]
	if !known {
		return plain(http.StatusNotFound, ""), nil
	}
	fault := t.faults(ctx, operation)
	if err := pause(ctx, fault.Before); err != nil {
		return nil, err
	}
	if !fault.reaches() {
		return fault.instead(s, t.now())
	}
	a, err := t.serve(ctx, s, &request{operation: operation, signed: r.Header.Get("X-Amz-Date"), body: body})
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, fault.After); err != nil {
		return nil, err
	}
	return fault.spoil(a)
}

// request is what a service gets to see.
type request struct {
	operation, signed string
	body              []byte
}

// serve waits for the service's answer, or for the end of ctx.
func (t *Transport) serve(ctx context.Context, s *service, r *request) (*answer, error) {
	type result struct {
		answer *answer
		err    error
	}
	served := make(chan result, 1)
	go func() {
		a, err := s.answer(context.WithoutCancel(ctx), r, t.now)
		served <- result{a, err}
	}()
	select {
	case got := <-served:
		return got.answer, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pause waits for d, or for the end of ctx, which it returns.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
