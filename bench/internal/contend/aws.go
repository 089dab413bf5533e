package contend

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Configuration has the endpoints of the environment, and keys that no account has.
// Those on the SDK keep as many connections open as they have goroutines: of the
// SDK's own ten, most calls of the naive one would open a new one.
func Configuration(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 2 * Handlers
		t.MaxIdleConns = 0
	})
	return config.LoadDefaultConfig(ctx, config.WithHTTPClient(client), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
}
