package client

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/jamesTait-jt/goflow/rpc"
)

// Roles returns what the client's credential may do: push, read and admin, in
// this order. It asks by calls that a server refuses for what is in them, once it
// has let the caller in, so that nothing comes of them. goflow.ErrRefused: the
// credential is not known. goflow.ErrUnavailable: no server answers.
func (c *Client) Roles(ctx context.Context) ([]rpc.Role, error) {
	var roles []rpc.Role
	for _, ask := range []struct {
		role rpc.Role
		call func(context.Context) error
	}{
		{rpc.Role_ROLE_PUSH, c.pushNothing},
		{rpc.Role_ROLE_READ, c.readNothing},
		{rpc.Role_ROLE_ADMIN, c.listNothing},
	} {
		err := ask.call(ctx)
		switch code := status.Code(err); {
		case code == codes.InvalidArgument,
			code == codes.Unimplemented && ask.role == rpc.Role_ROLE_ADMIN: // let in by a server without dead letters
			roles = append(roles, ask.role)
		case code == codes.PermissionDenied:
		default:
			return nil, readError(ctx, "roles", err)
		}
	}
	return roles, nil
}

// errAccepted is UNKNOWN to status.Code: a server took what no server may.
var errAccepted = errors.New("a call without content was accepted: it is no server of goflow's")

func (c *Client) pushNothing(ctx context.Context) error {
	_, err := c.api.PushTasks(ctx, &rpc.PushTasksRequest{})
	return refused(err)
}

func (c *Client) readNothing(ctx context.Context) error {
	_, err := c.api.GetRecords(ctx, &rpc.GetRecordsRequest{})
	return refused(err)
}

// listNothing asks for the dead letters of before a time that there is not.
func (c *Client) listNothing(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := c.api.ListDeadLetters(ctx, &rpc.ListDeadLettersRequest{Filter: &rpc.DeadLetterFilter{Before: &timestamppb.Timestamp{Nanos: -1}}})
	if err == nil {
		_, err = in.Recv()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return refused(err)
}

func refused(err error) error {
	if err == nil {
		return errAccepted
	}
	return err
}
