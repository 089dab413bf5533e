package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

func requireClass(t *testing.T, err, want error, what string) {
	t.Helper()
	require.ErrorIs(t, err, want, what)
	for _, other := range []error{port.ErrTooLarge, port.ErrInvalid, port.ErrUnavailable, port.ErrAmbiguous, port.ErrRefused} {
		if !errors.Is(other, want) {
			require.NotErrorIs(t, err, other, what)
		}
	}
	require.NotContains(t, err.Error(), "\n", "one line")
	require.NotContains(t, err.Error(), "request-17", "no request ID")
}

// allCalls are the errors of every method.
func allCalls(ctx context.Context, s *dynamo.Store) map[string]error {
	_, load := s.Load(ctx, []string{id(1)}, true)
	_, claim := s.Claim(ctx, []port.Claim{take()})
	return map[string]error{
		"Save":   port.ItemError(s.Save(ctx, doneRecords(1)), 0),
		"Reopen": port.ItemError(s.Reopen(ctx, doneRecords(1)), 0),
		"Claim":  port.ItemError(claim, 0), "Load": port.ItemError(load, 0), "Check": s.Check(ctx),
	}
}

func TestEveryCodeOfACallHasItsClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		codes  string
		class  error
	}{
		{400, "ResourceNotFoundException TableNotFoundException AccessDeniedException NotAuthorized OptInRequired " +
			"KMSAccessDeniedException KMSDisabledException KMSInvalidStateException KMSNotFoundException", port.ErrRefused},
		{400, "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId AuthFailure MissingAuthenticationTokenException " +
			"SignatureDoesNotMatch InvalidSignatureException IncompleteSignature IncompleteSignatureException " +
			"RequestExpired RequestTimeTooSkewed", port.ErrRefused},
		{400, "ExpiredToken ExpiredTokenException", port.ErrUnavailable}, // the next call has others
		{403, "SomethingNew", port.ErrRefused},
		{
			400, "ThrottlingException ProvisionedThroughputExceededException RequestLimitExceeded LimitExceededException " +
				"TransactionConflictException TransactionInProgressException ReplicatedWriteConflictException ResourceInUseException",
			port.ErrUnavailable,
		},
		{500, "InternalServerError InternalFailure SomethingNew", port.ErrUnavailable},
		{503, "ServiceUnavailable SomethingNew", port.ErrUnavailable},
		{400, "ItemCollectionSizeLimitExceededException", port.ErrTooLarge},
		{400, "ValidationException SerializationException SomethingNew", port.ErrInvalid},
	} {
		for code := range strings.FieldsSeq(c.codes) {
			for name, err := range allCalls(t.Context(), over(refusal(c.status, code))) {
				requireClass(t, err, c.class, name+" "+code)
			}
		}
	}
}

func TestEveryCodeOfAnItemHasItsClass(t *testing.T) {
	t.Parallel()
	want := map[types.BatchStatementErrorCodeEnum]error{
		types.BatchStatementErrorCodeEnumItemCollectionSizeLimitExceeded: port.ErrTooLarge,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded:            port.ErrUnavailable,
		types.BatchStatementErrorCodeEnumValidationError:                 port.ErrInvalid,
		types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded:   port.ErrUnavailable,
		types.BatchStatementErrorCodeEnumTransactionConflict:             port.ErrUnavailable,
		types.BatchStatementErrorCodeEnumThrottlingError:                 port.ErrUnavailable,
		types.BatchStatementErrorCodeEnumInternalServerError:             port.ErrUnavailable,
		types.BatchStatementErrorCodeEnumResourceNotFound:                port.ErrRefused,
		types.BatchStatementErrorCodeEnumAccessDenied:                    port.ErrRefused,
		"SomethingNew": port.ErrUnavailable,
	}
	for _, code := range types.BatchStatementErrorCodeEnum("").Values() {
		_, known := want[code]
		require.True(t, known || code == duplicate || code == condition, "the SDK knows a new code %s", code)
	}
	for code, class := range want {
		f := &fake{write: each(func(int, int) *types.BatchStatementError {
			return &types.BatchStatementError{Code: code, Message: new("why")}
		})}
		for name, err := range map[string]error{
			"Save":   saveOne(t, dynamo.NewFake(f), doneRecords(1)[0]),
			"Reopen": port.ItemError(dynamo.NewFake(f).Reopen(t.Context(), doneRecords(1)), 0),
		} {
			requireClass(t, err, class, name+" "+string(code))
		}
		_, err := claimOne(t, dynamo.NewFake(f), take())
		requireClass(t, err, class, "Claim "+string(code))
	}
}

func TestEveryNetworkErrorIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}},
		&net.OpError{Op: "read", Err: syscall.ECONNRESET},
		io.ErrUnexpectedEOF, context.DeadlineExceeded,
	} {
		s := over(func(*http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "http://dynamodb.test/", Err: cause}
		})
		for name, err := range allCalls(t.Context(), s) {
			requireClass(t, err, port.ErrUnavailable, name)
			require.ErrorContains(t, err, "no answer from http://dynamodb.test: ", name)
			require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
		}
	}
}

func TestEndedContextIsSaid(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range allCalls(ctx, over(refusal(500, "never asked"))) {
		requireClass(t, err, port.ErrUnavailable, name)
		require.ErrorIs(t, err, context.Canceled, name)
	}
}

func TestMissingConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*awsdynamodb.Options){
		"region": func(o *awsdynamodb.Options) { o.Region, o.BaseEndpoint = "", nil },
		"credentials": func(o *awsdynamodb.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no credentials anywhere")
			})
		},
	} {
		for call, err := range allCalls(t.Context(), over(refusal(500, "never asked"), change)) {
			requireClass(t, err, port.ErrRefused, name+" "+call)
			require.ErrorContains(t, err, "set AWS_REGION and credentials", name)
		}
	}
}

func TestErrorsAreOneLineThatHelps(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]transport{
		"dynamo: save to tasks: refused: ResourceNotFound: it says no; check the table's name, the region and AWS_ENDPOINT_URL, " +
			"or create it with goflow provision": refusal(400, "ResourceNotFoundException"),
		"dynamo: save to tasks: refused: AccessDenied: it says no; allow dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate " +
			"on the table, and the use of its key": refusal(400, "AccessDeniedException"),
		"dynamo: save to tasks: refused: UnrecognizedClient: it says no; check the credentials " +
			"(AWS_PROFILE, AWS_ACCESS_KEY_ID or a role) and the clock": refusal(400, "UnrecognizedClientException"),
	} {
		err := saveOne(t, over(f), doneRecords(1)[0])
		require.EqualError(t, err, want)
		_, ok := errors.AsType[smithy.APIError](err)
		require.True(t, ok, "the SDK's error is there too")
	}
}
