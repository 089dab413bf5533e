package sqs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// others returns every sentinel that err wraps, besides the one wanted.
func others(err, want error) []error {
	var found []error
	for _, class := range []error{
		port.ErrTooLarge, port.ErrInvalid, port.ErrUnavailable, port.ErrAmbiguous, port.ErrRefused, port.ErrLeaseLost,
	} {
		if !errors.Is(class, want) && errors.Is(err, class) {
			found = append(found, class)
		}
	}
	return found
}

func requireClass(t *testing.T, err, want error, what string) {
	t.Helper()
	require.ErrorIs(t, err, want, what)
	require.Empty(t, others(err, want), "%s: only one class", what)
	require.NotContains(t, err.Error(), "\n", "one line")
	require.NotContains(t, err.Error(), "request-17", "no request ID")
}

// callCodes are the codes of whole calls, with the status that SQS gives them,
// their class for a call that may be repeated, and for Send.
var callCodes = []struct {
	status      int
	codes       string
	class, send error
}{
	{
		400, "QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue QueueDeletedRecently InvalidAddress ResourceNotFoundException",
		port.ErrRefused, port.ErrRefused,
	},
	{
		400, "AccessDenied AccessDeniedException NotAuthorized InvalidSecurity OptInRequired KmsAccessDenied KmsDisabled " +
			"KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired KMS.AccessDeniedException KMS.DisabledException " +
			"KMS.InvalidKeyUsageException KMS.InvalidStateException KMS.NotFoundException KMS.OptInRequired",
		port.ErrRefused, port.ErrRefused,
	},
	{400, "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId AuthFailure MissingAuthenticationToken " +
		"MissingAuthenticationTokenException SignatureDoesNotMatch InvalidSignatureException IncompleteSignature " +
		"RequestExpired RequestTimeTooSkewed", port.ErrRefused, port.ErrRefused},
	{403, "ExpiredToken ExpiredTokenException", port.ErrUnavailable, port.ErrUnavailable}, // the next call has others
	{403, "SomethingNew", port.ErrRefused, port.ErrRefused},
	{
		400, "RequestThrottled RequestThrottledException Throttling ThrottlingException ThrottledException " +
			"TooManyRequestsException RequestLimitExceeded SlowDown OverLimit KmsThrottled KMS.ThrottlingException",
		port.ErrUnavailable, port.ErrUnavailable,
	},
	{429, "SomethingNew", port.ErrUnavailable, port.ErrUnavailable},
	{500, "InternalFailure InternalError SomethingNew", port.ErrUnavailable, port.ErrAmbiguous},
	{503, "ServiceUnavailable SomethingNew", port.ErrUnavailable, port.ErrAmbiguous},
	{400, "BatchRequestTooLong MessageTooLong", port.ErrTooLarge, port.ErrTooLarge},
	{400, "InvalidMessageContents InvalidAttributeValue InvalidAttributeName InvalidParameterValue UnsupportedOperation " +
		"SomethingNew", port.ErrInvalid, port.ErrInvalid},
	{400, "ReceiptHandleIsInvalid MessageNotInflight", port.ErrLeaseLost, port.ErrLeaseLost},
}

func TestEveryCodeOfACallHasItsClass(t *testing.T) {
	t.Parallel()
	for _, c := range callCodes {
		for code := range strings.FieldsSeq(c.codes) {
			b := over(refusal(c.status, code))
			_, err := b.Receive(t.Context(), make([]port.Delivery, 1))
			requireClass(t, err, c.class, "Receive "+code)
			requireClass(t, b.Check(t.Context()), c.class, "Check "+code)
			for name, call := range batchCalls(1) {
				want := c.class
				if name == "Send" {
					want = c.send
				}
				requireClass(t, port.ItemError(call(t, b), 0), want, name+" "+code)
			}
		}
	}
}

// TestEveryCodeOfAnEntryHasItsClass: want is for Send, Extend and Ack; nil is
// no error.
func TestEveryCodeOfAnEntryHasItsClass(t *testing.T) {
	t.Parallel()
	refused := [3]error{port.ErrRefused, port.ErrRefused, port.ErrRefused}
	throttled := [3]error{port.ErrUnavailable, port.ErrUnavailable, port.ErrUnavailable}
	lost := [3]error{port.ErrLeaseLost, port.ErrLeaseLost, nil}
	invalid := [3]error{port.ErrInvalid, port.ErrInvalid, port.ErrInvalid}
	failing := [3]error{port.ErrAmbiguous, port.ErrUnavailable, port.ErrUnavailable}
	for _, c := range []struct {
		code   string
		sender bool
		want   [3]error
	}{
		{"AccessDenied", true, refused},
		{"KmsAccessDenied", true, refused},
		{"AWS.SimpleQueueService.NonExistentQueue", true, refused},
		{"RequestThrottled", false, throttled},
		{"OverLimit", true, throttled},
		{"ReceiptHandleIsInvalid", true, lost},
		{"AWS.SimpleQueueService.MessageNotInflight", true, lost},
		{"InvalidParameterValue", true, [3]error{port.ErrInvalid, port.ErrLeaseLost, nil}},
		{"InvalidParameterValueException", false, [3]error{port.ErrInvalid, port.ErrLeaseLost, nil}},
		{"InvalidMessageContents", false, invalid},
		{"MessageTooLong", true, [3]error{port.ErrTooLarge, port.ErrTooLarge, port.ErrTooLarge}},
		{"SomethingNew", true, invalid},
		{"SomethingNew", false, failing},
		{"InternalError", false, failing},
	} {
		b := sqs.NewFake(&fake{fail: map[string]types.BatchResultErrorEntry{"0": entryError(c.code, c.sender)}})
		for i, name := range []string{"Send", "Extend", "Ack"} {
			err := port.ItemError(batchCalls(1)[name](t, b), 0)
			if c.want[i] == nil {
				require.NoError(t, err, "%s %s", name, c.code)
				continue
			}
			requireClass(t, err, c.want[i], name+" "+c.code)
		}
	}
}

// TestEveryNetworkErrorHasItsClass: one of net/http is ErrUnavailable for a call
// that may be repeated; send is its class for Send.
func TestEveryNetworkErrorHasItsClass(t *testing.T) {
	t.Parallel()
	post := func(err error) error { return &url.Error{Op: "Post", URL: "http://sqs.test/", Err: err} }
	for _, c := range []struct {
		name string
		err  error
		send error
	}{
		{"refused", post(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), port.ErrUnavailable},
		{"no such host", post(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), port.ErrUnavailable},
		{"certificate", post(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), port.ErrUnavailable},
		{"not TLS", post(tls.RecordHeaderError{Msg: "no TLS"}), port.ErrUnavailable},
		{"reset", post(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), port.ErrAmbiguous},
		{"cut", post(io.ErrUnexpectedEOF), port.ErrAmbiguous},
		{"time-out", post(context.DeadlineExceeded), port.ErrAmbiguous},
	} {
		b := over(broken(c.err))
		_, err := b.Receive(t.Context(), make([]port.Delivery, 1))
		requireClass(t, err, port.ErrUnavailable, "Receive "+c.name)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
		for name, call := range batchCalls(1) {
			want := port.ErrUnavailable
			if name == "Send" {
				want = c.send
			}
			requireClass(t, port.ItemError(call(t, b), 0), want, name+" "+c.name)
		}
	}
}

func TestSendIsAmbiguousIfAnyAttemptWas(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]transport{
		"cut, then throttled":           {broken(io.ErrUnexpectedEOF), refusal(400, "RequestThrottled"), refusal(400, "RequestThrottled")},
		"cut, then nobody there":        {broken(io.ErrUnexpectedEOF), broken(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})},
		"failed, then refused":          {refusal(500, "InternalFailure"), refusal(403, "AccessDenied")},
		"answered with what is no JSON": {func(*http.Request) (*http.Response, error) { return jsonAnswer(200, "<html>"), nil }},
		"answered with a wrong MD5": {func(*http.Request) (*http.Response, error) {
			return jsonAnswer(200, `{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"0123456789abcdef0123456789abcdef"}],"Failed":[]}`), nil
		}},
	} {
		calls := 0
		b := over(func(r *http.Request) (*http.Response, error) {
			calls++
			return answers[min(calls, len(answers))-1](r)
		})
		requireClass(t, port.ItemError(b.Send(t.Context(), messages(1)), 0), port.ErrAmbiguous, name)
	}
	b := over(refusal(400, "RequestThrottled"))
	requireClass(t, port.ItemError(b.Send(t.Context(), messages(1)), 0), port.ErrUnavailable, "only throttled")
}

// An attempt whose answer was lost may have sent what a later one could not.
func TestEntryThatFailsAfterALostAnswerIsInDoubt(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]error{
		"RequestThrottled": port.ErrAmbiguous, "KmsAccessDenied": port.ErrAmbiguous, "InvalidMessageContents": port.ErrInvalid,
	} {
		calls := 0
		b := over(func(*http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return jsonAnswer(200, `{"Successful":[],"Failed":[{"Id":"0","Code":"`+code+`","SenderFault":true}]}`), nil
		})
		err := port.ItemError(b.Send(t.Context(), messages(1)), 0)
		require.Equal(t, 2, calls)
		requireClass(t, err, class, code)
	}
}

func TestSendSaysWhetherItsContextEndedInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	b := over(func(*http.Request) (*http.Response, error) {
		calls++
		cancel()
		return nil, context.Canceled
	})
	err := port.ItemError(b.Send(ctx, messages(1)), 0)
	requireClass(t, err, port.ErrAmbiguous, "on the wire")
	require.ErrorIs(t, err, context.Canceled)
	err = port.ItemError(b.Send(ctx, messages(1)), 0)
	requireClass(t, err, port.ErrUnavailable, "before the wire")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, calls, "calls with a context that had ended")
}

func TestMissingConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	never := func(*http.Request) (*http.Response, error) { return nil, errors.New("nothing should be sent") }
	noCredentials := func(o *awssqs.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no credentials anywhere")
		})
	}
	metadataDown := func(o *awssqs.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, &smithy.OperationError{
				ServiceID: "ec2imds", OperationName: "GetMetadata",
				Err: &url.Error{Op: "Get", URL: "http://169.254.169.254/", Err: context.DeadlineExceeded},
			}
		})
	}
	noRegion := func(o *awssqs.Options) { o.Region, o.BaseEndpoint = "", nil }
	for name, change := range map[string]func(*awssqs.Options){"credentials": noCredentials, "metadata": metadataDown, "region": noRegion} {
		b := over(never, change)
		err := b.Check(t.Context())
		requireClass(t, err, port.ErrRefused, name)
		require.ErrorContains(t, err, "set AWS_REGION and credentials")
		requireClass(t, port.ItemError(b.Send(t.Context(), messages(1)), 0), port.ErrRefused, name)
		_, err = b.Receive(t.Context(), make([]port.Delivery, 1))
		requireClass(t, err, port.ErrRefused, name)
	}
}

// fromBetween is what a load balancer says whose service is away.
func fromBetween(*http.Request) (*http.Response, error) {
	return jsonAnswer(503, "<html>Service Unavailable</html>"), nil
}

func TestErrorsAreOneLineThatHelps(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]transport{
		"sqs: receive from tasks: refused: NonExistentQueue: it says no; check the queue's name, the region and AWS_ENDPOINT_URL, " +
			"or create it with goflow provision": refusal(400, "AWS.SimpleQueueService.NonExistentQueue"),
		"sqs: receive from tasks: refused: AccessDenied: it says no; allow sqs:ReceiveMessage on the queue, " +
			"and the use of its key": refusal(403, "AccessDeniedException"),
		"sqs: receive from tasks: refused: InvalidClientTokenId: it says no; check the credentials " +
			"(AWS_PROFILE, AWS_ACCESS_KEY_ID or a role) and the clock": refusal(403, "InvalidClientTokenId"),
		"sqs: receive from tasks: unavailable: RequestThrottled: it says no":                                                    refusal(400, "RequestThrottled"),
		"sqs: receive from tasks: unavailable: HTTP status 503, without an error of the service: something in between answered": fromBetween,
		"sqs: receive from tasks: unavailable: no answer from http://sqs.test: connection refused; " +
			"check the network, AWS_REGION and AWS_ENDPOINT_URL": broken(&url.Error{
			Op: "Post", URL: "http://sqs.test/", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		}),
	} {
		_, err := over(f).Receive(t.Context(), make([]port.Delivery, 1))
		require.EqualError(t, err, want)
	}
	_, err := over(refusal(403, "AccessDenied")).Receive(t.Context(), make([]port.Delivery, 1))
	api, ok := errors.AsType[smithy.APIError](err)
	require.True(t, ok, "the SDK's error is there too")
	require.Equal(t, "AccessDenied", api.ErrorCode())
}
