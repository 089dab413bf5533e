// Package body keeps the connections of the AWS SDK alive.
package body

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Plain makes the body of each request one that can only be read. Of one that can also
// write itself, as the SDK makes them, net/http asks for more after its end; the SDK
// closes it as soon as an answer has come, and where that is in between, net/http gives
// the connection up in the middle of the answer. The SDK repeats most calls then, but a
// receive must not be repeated: its messages would wait for the end of their lease.
func Plain(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("goflowPlainBody", plain), middleware.After)
}

func plain(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if r, ok := in.Request.(*smithyhttp.Request); ok {
		if body, ok := r.GetStream().(io.ReadSeeker); ok {
			if read, err := r.SetStream(struct{ io.ReadSeeker }{body}); err == nil {
				in.Request = read
			}
		}
	}
	return next.HandleFinalize(ctx, in)
}
