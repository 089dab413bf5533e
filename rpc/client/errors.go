package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// The pauses between repeats.
const firstPause, lastPause = 100 * time.Millisecond, 2 * time.Second

// writeError is what a failed call means that changes something. sent: its
// request may have reached a server.
func writeError(ctx context.Context, what string, err error, sent bool) error {
	if own := convert.FromStatus(err); own != nil {
		return stillOpen(own)
	}
	kind, ended := kindOf(err), ended(ctx, err)
	switch {
	case kind != nil:
	case ended != nil && !sent:
		return fmt.Errorf("goflow: %s: not sent: %w", what, ended)
	case ended != nil:
		return fmt.Errorf("goflow: %s: %w: %w", what, port.ErrAmbiguous, ended)
	case sent:
		kind = port.ErrAmbiguous
	case status.Code(err) == codes.Canceled: // the connections are closed
		kind = port.ErrClosed
	default:
		kind = port.ErrUnavailable
	}
	return fmt.Errorf("goflow: %s: %w: %s", what, kind, status.Convert(err).Message())
}

// readError is what a failed call means that changes nothing.
func readError(ctx context.Context, what string, err error) error {
	if own := convert.FromStatus(err); own != nil {
		return stillOpen(own)
	}
	kind, ended := kindOf(err), ended(ctx, err)
	switch {
	case ended != nil:
		kind = ended
	case kind != nil:
	case status.Code(err) == codes.Canceled:
		kind = port.ErrClosed
	default:
		kind = port.ErrUnavailable
	}
	return fmt.Errorf("goflow: %s: %w: %s", what, kind, status.Convert(err).Message())
}

// itemError is what became of one of several items.
func itemError(e *rpc.Error, key string) error { return stillOpen(convert.FromError(e, key)) }

// stillOpen: a server that stops has closed nothing of the client's, which may
// ask another.
func stillOpen(err error) error {
	if errors.Is(err, port.ErrClosed) {
		return fmt.Errorf("%w: %s", port.ErrUnavailable, err.Error())
	}
	return err
}

// ended is the end of a call's context, of which the server may know a moment
// earlier; nil: that is not why it failed.
func ended(ctx context.Context, err error) error {
	until, ok := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ok && !time.Now().Before(until), status.Code(err) == codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return nil
}

// kindOf is nil for an error that does not say whether the call was made.
func kindOf(err error) error {
	switch status.Code(err) { //nolint:exhaustive // the others do not say it
	case codes.InvalidArgument, codes.OutOfRange:
		return port.ErrInvalid
	case codes.ResourceExhausted:
		if strings.Contains(err.Error(), "larger than max") { // so gRPC's own limits say, on either side
			return port.ErrTooLarge
		}
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return port.ErrRefused
	}
	return nil
}

// sentHandler notes which calls have sent their request.
type sentHandler struct{}

type sentKey struct{}

// watchSending returns a flag that is set once the request of a call in ctx has
// been handed to a connection whole. Before that no server can have acted on it.
func watchSending(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := &atomic.Bool{}
	return context.WithValue(ctx, sentKey{}, sent), sent
}

// HandleRPC sets the flag.
func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutPayload); !ok {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

// TagRPC does nothing.
func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn does nothing.
func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
