package dynamo

import (
	"context"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/jamesTait-jt/goflow/adapters/internal/body"
)

// wire notes whether a request of a call got as far as the HTTP client. One that
// did not lacks a region, credentials or an endpoint.
type wire struct{ reached bool }

// watch is an option of a call that makes w see its attempts, and keeps their
// connections alive.
func (w *wire) watch(o *awsdynamodb.Options) {
	o.APIOptions = append(o.APIOptions, body.Plain, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("goflowWire", w.attempt), middleware.After)
	})
}

func (w *wire) attempt(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	w.reached = true
	return next.HandleDeserialize(ctx, in)
}
