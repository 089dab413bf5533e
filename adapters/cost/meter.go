package cost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Meter adds up what the clients that it watches use. The zero value is ready.
// Its methods may be called concurrently.
type Meter struct {
	mu    sync.Mutex
	total Usage
}

// Watch makes clients that are made from cfg from now on count here. Their calls
// to DynamoDB ask for the capacity that they consume, which costs nothing. Several
// meters may watch; one that watches twice counts once.
func (m *Meter) Watch(cfg *aws.Config) { cfg.APIOptions = append(slices.Clip(cfg.APIOptions), m.add) }

// Usage is what was used until now.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.total
	u.Calls = maps.Clone(u.Calls)
	return u
}

// add puts the two steps of a call on its stack, which is made for this call.
func (m *Meter) add(stack *middleware.Stack) error {
	c, own := &call{meter: m}, fmt.Sprintf("goflowCost %p", m)
	if _, there := stack.Finalize.Get(own); there {
		return nil
	}
	return errors.Join(
		stack.Initialize.Add(middleware.InitializeMiddlewareFunc(own, c.begin), middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc(own, c.attempt), middleware.After), // within the retries
	)
}

func (m *Meter) connected() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.Connections++
}

func (m *Meter) count(op Operation, b bill) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.total.Calls == nil {
		m.total.Calls = map[Operation]int64{}
	}
	m.total.Calls[op]++
	m.total.StandardRequests += b.standard
	m.total.FIFORequests += b.fifo
	m.total.WriteUnits += b.write
	m.total.ReadUnits += b.read
}

// bill is what one attempt is charged for.
type bill struct {
	standard, fifo int64
	write, read    float64
}

// call is one of an operation, with all its attempts.
type call struct {
	meter *Meter
	input any
}

func (c *call) begin(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	in.Parameters = askingForCapacity(in.Parameters)
	c.input = in.Parameters
	return next.HandleInitialize(ctx, in)
}

// attempt counts one if the service may have seen it: where it was written to a
// connection, or answered.
func (c *call) attempt(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	var written atomic.Bool
	out, meta, err := next.HandleFinalize(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				c.meter.connected()
			}
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				written.Store(true)
			}
		},
	}), in)
	if written.Load() || err == nil || answered(err) {
		service := awsmiddleware.GetServiceID(ctx)
		c.meter.count(Operation{service, awsmiddleware.GetOperationName(ctx)}, billOf(service, c.input, out.Result, err))
	}
	return out, meta, err
}

// answered: the SDK makes an answer without a status where there is none.
func answered(err error) bool {
	refusal, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && refusal.HTTPStatusCode() != 0
}

func billOf(service string, input, output any, err error) bill {
	switch service {
	case "SQS":
		return sqsBill(input, output)
	case "DynamoDB":
		return dynamoBill(input, output, err)
	}
	return bill{}
}
