package sqs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// request is one that reached the service.
type request struct {
	action string
	body   map[string]any
}

func (r request) String() string {
	return fmt.Sprint(r.action, " ", r.body["QueueName"], r.body["QueueUrl"])
}

// service is a network with an SQS that knows the queues that it was asked to
// make, below the real SDK.
type service struct {
	attributes map[string]string            // of every queue
	fail       func(request) *http.Response // nil: the answer

	mu       sync.Mutex
	requests []request
}

func (s *service) Do(r *http.Request) (*http.Response, error) {
	req := request{action: r.Header.Get("X-Amz-Target")[len("AmazonSQS."):]}
	if err := json.NewDecoder(r.Body).Decode(&req.body); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	s.mu.Unlock()
	if s.fail != nil {
		if answer := s.fail(req); answer != nil {
			return answer, nil
		}
	}
	switch req.action {
	case "CreateQueue", "GetQueueUrl":
		return jsonAnswer(200, fmt.Sprintf(`{"QueueUrl":"http://sqs.test/000000000000/%s"}`, req.body["QueueName"])), nil
	case "GetQueueAttributes":
		text, err := json.Marshal(map[string]any{"Attributes": s.attributes})
		return jsonAnswer(200, string(text)), err
	}
	return jsonAnswer(200, `{}`), nil
}

// names are the requests, in order.
func (s *service) names() (names []string) {
	for _, r := range s.requests {
		names = append(names, r.String())
	}
	return names
}

func newService() *service {
	return &service{attributes: map[string]string{"QueueArn": "arn:aws:sqs:us-east-1:000000000000:made-dead"}}
}

// attrs are the attributes of a request, as text.
func (r request) attrs() map[string]string {
	out := map[string]string{}
	given, _ := r.body["Attributes"].(map[string]any)
	for name, value := range given {
		out[name] = fmt.Sprint(value)
	}
	return out
}

func TestProvision(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		s := newService()
		queue, dead, err := sqs.Provision(t.Context(), clientOver(s.Do), sqs.ProvisionInput{Queue: "made" + suffix, DeadQueue: "made-dead" + suffix})
		require.NoError(t, err)
		queueURL, deadURL := "http://sqs.test/000000000000/made"+suffix, "http://sqs.test/000000000000/made-dead"+suffix
		require.Equal(t, []string{queueURL, deadURL}, []string{queue, dead})
		require.Equal(t, []string{
			"CreateQueue made-dead" + suffix + "<nil>", "SetQueueAttributes <nil>" + deadURL, "GetQueueAttributes <nil>" + deadURL,
			"CreateQueue made" + suffix + "<nil>", "SetQueueAttributes <nil>" + queueURL,
		}, s.names(), "the dead letters first: the queue names them")
		want := map[string]string{
			"MessageRetentionPeriod": "604800", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:made-dead","maxReceiveCount":"1000"}`,
		}
		wantDead := map[string]string{"MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true"}
		made := map[string]string{}
		if suffix != "" {
			made["FifoQueue"] = "true"
			for _, attrs := range []map[string]string{want, wantDead} {
				attrs["DeduplicationScope"], attrs["FifoThroughputLimit"] = "messageGroup", "perMessageGroupId"
			}
		}
		require.Equal(t, []map[string]string{made, wantDead, made, want}, []map[string]string{
			s.requests[0].attrs(), s.requests[1].attrs(), s.requests[3].attrs(), s.requests[4].attrs(),
		})
	}
}

// TestProvisionThatFails names the queue, and what is to be allowed, wherever it
// fails; nothing is tried after that.
func TestProvisionThatFails(t *testing.T) {
	t.Parallel()
	for n, queue := range []string{"made-dead", "made-dead", "made-dead", "made", "made"} {
		for _, c := range []struct {
			status int
			code   string
			class  error
		}{{403, "AccessDenied", port.ErrRefused}, {400, "RequestThrottled", port.ErrUnavailable}, {400, "QueueNameExists", port.ErrInvalid}} {
			s := newService()
			s.fail = func(request) *http.Response {
				if len(s.requests) > n {
					return errorAnswer(c.status, c.code)
				}
				return nil
			}
			_, _, err := sqs.Provision(t.Context(), clientOver(s.Do), sqs.ProvisionInput{Queue: "made", DeadQueue: "made-dead"})
			requireClass(t, err, c.class, c.code)
			require.ErrorContains(t, err, "sqs: provision "+queue+": ")
			require.Equal(t, s.requests[n].String(), s.requests[len(s.requests)-1].String(), "the last thing that was tried")
			if c.code == "AccessDenied" {
				require.ErrorContains(t, err, "allow sqs:CreateQueue, sqs:SetQueueAttributes and sqs:GetQueueAttributes on the queue")
			}
		}
	}
	s := newService()
	_, _, err := sqs.Provision(t.Context(), clientOver(s.Do), sqs.ProvisionInput{Queue: "same", DeadQueue: "same"})
	requireClass(t, err, port.ErrInvalid, "same")
	require.Empty(t, s.requests)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	s := newService()
	url, err := sqs.Resolve(t.Context(), clientOver(s.Do), testURL)
	require.NoError(t, err)
	require.Equal(t, testURL, url)
	require.Empty(t, s.requests, "a URL is taken as it is")
	url, err = sqs.Resolve(t.Context(), clientOver(s.Do), "tasks")
	require.NoError(t, err)
	require.Equal(t, testURL, url)
	s.fail = func(request) *http.Response { return errorAnswer(403, "AccessDenied") }
	_, err = sqs.Resolve(t.Context(), clientOver(s.Do), "tasks")
	requireClass(t, err, port.ErrRefused, "forbidden")
	require.ErrorContains(t, err, "sqs: find queue tasks: ")
	require.ErrorContains(t, err, "allow sqs:GetQueueUrl on the queue")
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := newService()
	s.attributes = map[string]string{
		"QueueArn": tasksARN, "FifoQueue": "true", "MessageRetentionPeriod": "604800",
		"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":"1000"}`,
	}
	got, err := over(s.Do).Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, sqs.Description{ARN: tasksARN, FIFO: true, Retention: 7 * 24 * time.Hour, DeadARN: deadARN, MaxReceives: sqs.ProvisionedReceives}, got)
	for _, policy := range []string{"", "no JSON"} {
		s.attributes = map[string]string{"QueueArn": tasksARN, "FifoQueue": "false", "RedrivePolicy": policy}
		got, err = over(s.Do).Describe(t.Context())
		require.NoError(t, err)
		require.Equal(t, sqs.Description{ARN: tasksARN}, got)
	}
	_, err = over(refusal(403, "AccessDenied")).Describe(t.Context())
	requireClass(t, err, port.ErrRefused, "forbidden")
	require.ErrorContains(t, err, "allow sqs:GetQueueAttributes on the queue")
}

// TestSize: what SQS does not say, or says in words, is none.
func TestSize(t *testing.T) {
	t.Parallel()
	s := newService()
	s.attributes = map[string]string{"ApproximateNumberOfMessages": "12", "ApproximateNumberOfMessagesNotVisible": "3", "ApproximateNumberOfMessagesDelayed": "many"}
	size, err := over(s.Do).Size(t.Context())
	require.NoError(t, err)
	require.Equal(t, port.Size{Waiting: 12, Leased: 3}, size)
	_, err = over(refusal(400, "QueueDoesNotExist")).Size(t.Context())
	requireClass(t, err, port.ErrRefused, "missing")
	_, err = over(refusal(500, "InternalError")).Limits(t.Context())
	requireClass(t, err, port.ErrUnavailable, "failing")
}

// TestPermissionsAreAskedWithoutTouchingAMessage: to find a request wrong, SQS
// has to have let it in.
func TestPermissionsAreAskedWithoutTouchingAMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		code   string
		class  error
	}{
		"finds it wrong": {400, "AWS.SimpleQueueService.EmptyBatchRequest", nil},
		"finds it bad":   {400, "InvalidParameterValue", nil},
		"forbids it":     {403, "AccessDeniedException", port.ErrRefused},
		"has no queue":   {400, "AWS.SimpleQueueService.NonExistentQueue", port.ErrRefused},
		"throttles":      {400, "RequestThrottled", port.ErrUnavailable},
		"fails":          {500, "InternalError", port.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, action := range []string{"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"} {
				s := newService()
				s.fail = func(request) *http.Response {
					if len(s.requests) > n {
						return errorAnswer(c.status, c.code)
					}
					return nil
				}
				requireAllowed(t, over(s.Do).MayTake(t.Context()), c.class, action)
			}
			requireAllowed(t, over(refusal(c.status, c.code)).MaySend(t.Context()), c.class, "sqs:SendMessage")
		})
	}
	s := newService()
	require.NoError(t, over(s.Do).MaySend(t.Context()))
	require.NoError(t, over(s.Do).MayTake(t.Context()))
	for i, action := range []string{"SendMessageBatch", "ReceiveMessage", "ChangeMessageVisibilityBatch", "DeleteMessageBatch"} {
		require.Equal(t, action, s.requests[i].action)
		if action == "ReceiveMessage" {
			require.EqualValues(t, 11, s.requests[i].body["MaxNumberOfMessages"], "more than SQS gives")
			require.Greater(t, s.requests[i].body["VisibilityTimeout"], 43200.0, "longer than SQS gives")
			continue
		}
		require.Empty(t, s.requests[i].body["Entries"])
	}
}

func requireAllowed(t *testing.T, err, class error, action string) {
	t.Helper()
	if class == nil {
		require.NoError(t, err)
		return
	}
	requireClass(t, err, class, action)
	if strings.Contains(err.Error(), "AccessDenied") {
		require.ErrorContains(t, err, "allow "+action+" on the queue")
	}
}
