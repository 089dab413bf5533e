package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// requireClass wants want, and none of the other classes.
func requireClass(t *testing.T, err, want error, what string) {
	t.Helper()
	require.ErrorIs(t, err, want, what)
	for _, other := range []error{
		port.ErrTooLarge, port.ErrInvalid, port.ErrUnavailable, port.ErrAmbiguous, port.ErrRefused, port.ErrLeaseLost,
	} {
		if !errors.Is(want, other) {
			require.NotErrorIs(t, err, other, what)
		}
	}
}

// TestErrorOfAServiceKeepsItsStatusAndItsOlderName: the older name is what SQS has
// told of before JSON, and what its SDKs still say.
func TestErrorOfAServiceKeepsItsStatusAndItsOlderName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    smithy.APIError
		status int
		code   string
	}{
		{&sqstypes.QueueDoesNotExist{Message: str("why")}, 400, "AWS.SimpleQueueService.NonExistentQueue"},
		{&sqstypes.RequestThrottled{Message: str("why")}, 403, "RequestThrottled"},
		{&sqstypes.ReceiptHandleIsInvalid{Message: str("why")}, 404, "ReceiptHandleIsInvalid"},
		{&sqstypes.KmsAccessDenied{Message: str("why")}, 400, "KMS.AccessDeniedException"},
		{&sqstypes.TooManyEntriesInBatchRequest{Message: str("why")}, 400, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		{&smithy.GenericAPIError{Code: "OverLimit", Message: "why"}, 403, "OverLimit"},
		{&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "why"}, 400, "AccessDeniedException"},
		{&smithy.GenericAPIError{Code: "InternalFailure", Message: "why", Fault: smithy.FaultServer}, 500, "InternalFailure"},
	} {
		in(t, nil, func(t *testing.T, w *world) {
			w.fail["SendMessageBatch"] = c.err
			_, err := w.queues.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{
				QueueUrl: str("u"), Entries: []sqstypes.SendMessageBatchRequestEntry{{Id: str("0"), MessageBody: str(body)}},
			})
			api, ok := errors.AsType[smithy.APIError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.code, api.ErrorCode())
			require.Equal(t, "why", api.ErrorMessage())
			answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.status, answer.HTTPStatusCode(), c.code)
			if c.err.ErrorFault() == smithy.FaultServer {
				require.Equal(t, smithy.FaultServer, api.ErrorFault())
			}
		})
	}
}

// TestEveryErrorOfAServiceHasItsClass: class is that of what may be repeated, send
// that of Send.
func TestEveryErrorOfAServiceHasItsClass(t *testing.T) {
	t.Parallel()
	generic := func(codes string, fault smithy.ErrorFault) []error {
		var errs []error
		for code := range strings.FieldsSeq(codes) {
			errs = append(errs, &smithy.GenericAPIError{Code: code, Message: "why", Fault: fault})
		}
		return errs
	}
	queue, table := []string{"Send", "Receive", "Extend", "Ack", "Describe"}, []string{"Save", "Load", "Check"}
	for _, c := range []struct {
		calls       []string
		errs        []error
		class, send error
	}{
		{queue, []error{
			&sqstypes.QueueDoesNotExist{}, &sqstypes.QueueDeletedRecently{}, &sqstypes.InvalidAddress{}, &sqstypes.InvalidSecurity{},
			&sqstypes.KmsAccessDenied{}, &sqstypes.KmsDisabled{}, &sqstypes.KmsInvalidKeyUsage{}, &sqstypes.KmsInvalidState{},
			&sqstypes.KmsNotFound{}, &sqstypes.KmsOptInRequired{}, &sqstypes.ResourceNotFoundException{},
		}, port.ErrRefused, port.ErrRefused},
		{
			append(queue, table...), generic("AccessDeniedException UnrecognizedClientException", smithy.FaultClient),
			port.ErrRefused, port.ErrRefused,
		},
		{queue, []error{&sqstypes.RequestThrottled{}, &sqstypes.OverLimit{}, &sqstypes.KmsThrottled{}}, port.ErrUnavailable, port.ErrUnavailable},
		{append(queue, table...), generic("ThrottlingException ExpiredTokenException", smithy.FaultClient), port.ErrUnavailable, port.ErrUnavailable},
		{
			append(queue, table...), generic("InternalFailure ServiceUnavailable SomethingNew", smithy.FaultServer),
			port.ErrUnavailable, port.ErrAmbiguous,
		},
		{queue, []error{&sqstypes.UnsupportedOperation{}, &sqstypes.InvalidMessageContents{}}, port.ErrInvalid, port.ErrInvalid},
		{queue, []error{&sqstypes.BatchRequestTooLong{}}, port.ErrTooLarge, port.ErrTooLarge},
		{queue, []error{&sqstypes.ReceiptHandleIsInvalid{}, &sqstypes.MessageNotInflight{}}, port.ErrLeaseLost, port.ErrLeaseLost},
		{table, []error{&types.ResourceNotFoundException{}}, port.ErrRefused, nil},
		{table, []error{
			&types.ProvisionedThroughputExceededException{}, &types.RequestLimitExceeded{}, &types.InternalServerError{},
			&types.TransactionConflictException{}, &types.ThrottlingException{}, &types.LimitExceededException{}, &types.ResourceInUseException{},
		}, port.ErrUnavailable, nil},
		{table, generic("ValidationException SerializationException", smithy.FaultClient), port.ErrInvalid, nil},
	} {
		for _, fail := range c.errs {
			for _, name := range c.calls {
				in(t, nil, func(t *testing.T, w *world) {
					w.failAll(fail)
					want := c.class
					if name == "Send" {
						want = c.send
					}
					requireClass(t, portCalls()[name](t.Context(), w), want, name+" "+fail.Error())
				})
			}
		}
	}
}

// TestErrorsOfItemsArrive: these have no status, only a code each.
func TestErrorsOfItemsArrive(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		failed := []sqstypes.BatchResultErrorEntry{{Id: str("0"), Code: str("InvalidParameterValue"), SenderFault: true}}
		w.give["SendMessageBatch"] = &awssqs.SendMessageBatchOutput{Failed: failed}
		w.give["ChangeMessageVisibilityBatch"] = &awssqs.ChangeMessageVisibilityBatchOutput{Failed: failed}
		w.give["DeleteMessageBatch"] = &awssqs.DeleteMessageBatchOutput{Failed: failed}
		w.give["BatchExecuteStatement"] = statementFailed(types.BatchStatementErrorCodeEnumAccessDenied)
		calls := portCalls()
		requireClass(t, calls["Send"](t.Context(), w), port.ErrInvalid, "Send")
		requireClass(t, calls["Extend"](t.Context(), w), port.ErrLeaseLost, "Extend")
		require.NoError(t, calls["Ack"](t.Context(), w), "a lost lease is no error")
		requireClass(t, calls["Save"](t.Context(), w), port.ErrRefused, "Save")
		w.give["BatchExecuteStatement"] = statementFailed(types.BatchStatementErrorCodeEnumThrottlingError)
		requireClass(t, calls["Save"](t.Context(), w), port.ErrUnavailable, "Save")
	})
}

// TestRequestsThatNobodyUnderstandsAreRefused talks without the SDK, which makes
// no such requests.
func TestRequestsThatNobodyUnderstandsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target, body, want string
		status             int
	}{
		{"AmazonSQS.ListQueues", `{}`, "com.amazonaws.sqs#UnknownOperationException", 400},
		{"AmazonSQS.SendMessageBatch", `{"Entries":`, "com.amazonaws.sqs#SerializationException", 400},
		{"AmazonSQS.SendMessageBatch", `{"Entries":[{"Colour":"red"}]}`, "SerializationException", 400},
		{"DynamoDB_20120810.BatchExecuteStatement", `{"Statements":[{"Parameters":[{"B":"AA==","S":""}]}]}`, "#ValidationException", 400},
		{"DynamoDB_20120810.BatchExecuteStatement", `{"Statements":[{"Parameters":[{}]}]}`, "ValidationException", 400},
		{"DynamoDB_20120810.BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"id":{"X":""}}]}}}`, "SerializationException", 400},
		{"AmazonS3.GetObject", `{}`, "", 404},
	} {
		in(t, nil, func(t *testing.T, w *world) {
			got := w.post(t, c.target, c.body)
			require.Equal(t, c.status, got.status, c.body)
			require.Contains(t, got.text, c.want)
			require.Zero(t, w.calls())
		})
	}
}

// TestWrongSumOfAServiceArrives: the SDK finds that a body has changed.
func TestWrongSumOfAServiceArrives(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.give["SendMessageBatch"] = &awssqs.SendMessageBatchOutput{Successful: []sqstypes.SendMessageBatchResultEntry{
			{Id: str("0"), MessageId: str("m"), MD5OfMessageBody: sumOf("another")},
		}}
		requireClass(t, portCalls()["Send"](t.Context(), w), port.ErrAmbiguous, "Send")
		w.give["ReceiveMessage"] = &awssqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{Body: str(body), MD5OfBody: sumOf("another")}}}
		requireClass(t, portCalls()["Receive"](t.Context(), w), port.ErrUnavailable, "Receive")
	})
}

func TestOnlyErrorsOfTheAPIBecomeAnswers(t *testing.T) {
	t.Parallel()
	in(t, nil, func(t *testing.T, w *world) {
		w.failAll(errors.New("the network of the simulation"))
		requireClass(t, portCalls()["Send"](t.Context(), w), port.ErrAmbiguous, "Send")
		requireClass(t, portCalls()["Save"](t.Context(), w), port.ErrUnavailable, "Save")
		require.Equal(t, 6, w.calls(), "three attempts each")
	})
}

func (w *world) failAll(err error) {
	for _, name := range []string{
		"SendMessageBatch", "ReceiveMessage", "ChangeMessageVisibilityBatch", "DeleteMessageBatch", "GetQueueAttributes",
		"BatchExecuteStatement", "BatchGetItem", "DescribeTable",
	} {
		w.fail[name] = err
	}
}
