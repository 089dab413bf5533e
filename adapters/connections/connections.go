// Package connections keeps the connections of the AWS SDK's clients open, so that
// a call need not wait for a TCP and a TLS handshake.
package connections

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Keep makes each client that is made from cfg from now on keep up to n connections
// that have nothing to do, for 90 s: longer than a poll of SQS, which is busy for
// at most 20 s. They are opened when they are needed. By default the SDK keeps
// ten, closes what is more, and opens it again for the next calls. So n, 1 or more, is
// how many calls of one client are made at a time: for a pool, twice its concurrency,
// as each slot may send while what it has done before is settled.
//
// Call it before or after other changes of cfg.HTTPClient, unless they put an own
// kind of client there: one that is not the SDK's is left as it is.
func Keep(cfg *aws.Config, n int) {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = client.WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = n, n // a client has one host
		})
	}
}
