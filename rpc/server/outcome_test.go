package server_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// brief knows everybody for a second.
type brief struct{}

func (brief) Authenticate(context.Context, server.Credential) (server.Caller, error) {
	return server.Caller{Name: "brief", Roles: []rpc.Role{rpc.Role_ROLE_PUSH}, Expires: time.Now().Add(time.Second)}, nil
}

// Cancel changes something, and is cut off while it does.
func (r *fakeRemote) Cancel(ctx context.Context, _ string) (port.Record, error) {
	<-ctx.Done()
	return port.Record{}, fmt.Errorf("%w: %w", port.ErrAmbiguous, ctx.Err())
}

// That a credential has expired refuses a call. It does not say of one that was
// let in that nothing was done.
func TestCredentialThatExpiresLeavesWhatIsInDoubtInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := over(t, &fakeRemote{push: func(ctx context.Context, _ []port.Push) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", port.ErrAmbiguous, ctx.Err())
		}})
		w.serveAs(brief{})
		client := rpc.NewGoFlowClient(w.dial())
		_, err := client.PushTask(t.Context(), &rpc.PushTaskRequest{TaskType: "x", Payload: "1"})
		requireStatus(t, err, codes.Unknown, rpc.Reason_REASON_AMBIGUOUS)
		_, err = client.CancelTask(t.Context(), &rpc.CancelTaskRequest{Id: goflow.IDFrom("a")})
		requireStatus(t, err, codes.DeadlineExceeded, rpc.Reason_REASON_UNSPECIFIED)
	})
}
