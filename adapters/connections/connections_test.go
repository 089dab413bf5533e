package connections_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/connections"
)

const callers, calls = 50, 10_000

// TestTenThousandCallsNeedNoMoreConnectionsThanCallers: all callers call at once,
// and then none does, again and again. It is the client as the SDK has made it of
// the configuration, less the SDK's own requests: of those, one in some hundreds
// costs its connection where an answer comes within microseconds, since the SDK
// closes a request's body while the transport still asks that for its end.
func TestTenThousandCallsNeedNoMoreConnectionsThanCallers(t *testing.T) {
	t.Parallel()
	url, opened := countingServer(t)
	var cfg aws.Config
	connections.Keep(&cfg, callers)
	client := awssqs.NewFromConfig(cfg).Options().HTTPClient
	for range calls / callers {
		var round sync.WaitGroup
		for range callers {
			round.Go(func() {
				if err := call(t, client, url); err != nil {
					t.Error(err)
				}
			})
		}
		round.Wait()
	}
	t.Logf("%d new connections in %d calls of %d callers", opened.Load(), calls, callers)
	// One more where the machine stood still for 50 ms after a write: net/http gives
	// such a connection up. By default there are thousands.
	require.LessOrEqual(t, opened.Load(), int64(callers+calls/1000))
}

// countingServer counts the connections that are made to it. It answers the first
// calls together, so that each has its connection before any is free.
func countingServer(t *testing.T) (url string, opened *atomic.Int64) {
	t.Helper()
	var seen atomic.Int64
	var first sync.WaitGroup
	first.Add(callers)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if seen.Add(1) <= callers {
			first.Done()
			first.Wait()
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	opened = &atomic.Int64{}
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, opened
}

func call(t *testing.T, client aws.HTTPClient, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{}`))
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestConnectionsOutliveAPoll(t *testing.T) {
	t.Parallel()
	var cfg aws.Config
	connections.Keep(&cfg, 70)
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	require.True(t, ok)
	require.Greater(t, client.GetTransport().IdleConnTimeout, 20*time.Second)
	require.False(t, client.GetTransport().DisableKeepAlives)
}

// TestWhatElseIsSetStays: what the environment says of certificates, and clients
// of another kind.
func TestWhatElseIsSetStays(t *testing.T) {
	t.Parallel()
	cfg := aws.Config{HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = time.Hour })}
	connections.Keep(&cfg, 70)
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	require.True(t, ok)
	require.Equal(t, time.Hour, client.GetTransport().IdleConnTimeout)
	require.Equal(t, 70, client.GetTransport().MaxIdleConnsPerHost)

	cfg.HTTPClient = http.DefaultClient
	connections.Keep(&cfg, 70)
	require.Equal(t, aws.HTTPClient(http.DefaultClient), cfg.HTTPClient)
}
