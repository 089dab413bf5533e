package body_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/internal/body"
)

// transport answers twice that it is busy, and then with nothing; it keeps what it got.
type transport struct {
	bodies []string
	writes int // bodies that can write themselves
}

func (t *transport) Do(r *http.Request) (*http.Response, error) {
	if _, ok := r.Body.(io.WriterTo); ok {
		t.writes++
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	t.bodies = append(t.bodies, string(sent))
	status := http.StatusOK
	if len(t.bodies) < 3 {
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader([]byte("{}")))}, nil
}

func receive(t *testing.T, opts ...func(*awssqs.Options)) *transport {
	t.Helper()
	sent := &transport{}
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", HTTPClient: sent, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, opts...)
	_, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String("http://127.0.0.1/q")})
	require.NoError(t, err)
	return sent
}

// That the first half holds is why the package is there: without it the second proves
// nothing.
func TestBodiesAreOnlyRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, 3, receive(t).writes, "the SDK's bodies write themselves; if they don't any more, this package is not needed")
	sent := receive(t, func(o *awssqs.Options) { o.APIOptions = append(o.APIOptions, body.Plain) })
	require.Zero(t, sent.writes)
	require.Len(t, sent.bodies, 3)
	for _, is := range sent.bodies {
		require.JSONEq(t, `{"QueueUrl":"http://127.0.0.1/q"}`, is, "whole, in each attempt")
	}
}
