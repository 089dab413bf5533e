package cost_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// service stands in for the network, below the real SDK: it gives its answers
// one after the other, and the last one again and again.
type service struct {
	answers []string // as "400 body"; "" is a connection that breaks
	bodies  []string // of the requests
}

func (s *service) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, string(body))
	now := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if now == "" {
		return nil, io.ErrUnexpectedEOF
	}
	status := map[string]int{"200": http.StatusOK, "400": http.StatusBadRequest, "500": http.StatusInternalServerError}[now[:3]]
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(strings.NewReader(now[4:])),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, nil
}

// watched is a configuration that m watches, of clients that retry at once.
func watched(t *testing.T, m *cost.Meter, client aws.HTTPClient) aws.Config {
	t.Helper()
	cfg := aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		BaseEndpoint: new("http://service.test"), HTTPClient: client,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
	m.Watch(&cfg)
	return cfg
}
