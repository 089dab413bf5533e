package contend

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

// configuration is the environment's. Both contenders on the SDK keep as many
// connections open as they have goroutines: the SDK's own ten would have most
// calls of the naive one open a new one.
func configuration(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 2 * Handlers
		t.MaxIdleConns = 0
	})
	return config.LoadDefaultConfig(ctx, config.WithHTTPClient(client))
}
