package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jamesTait-jt/goflow/cmd/internal/doctor"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

// serverExamination is what the checks learn one after the other.
type serverExamination struct {
	*cli
	begun  error // what is wrong with the settings that have been read already
	remote *client.Client
	roles  []rpc.Role
}

// examineServer yields what there is to find out about a server, whose own queue
// and table are examined where it runs.
func (c *cli) examineServer(ctx context.Context, begun error) iter.Seq[doctor.Finding] {
	e := &serverExamination{cli: c, begun: begun}
	return doctor.Run(ctx, []doctor.Check{
		{Name: "settings", Ask: e.dialled},
		{Name: "server", Needs: []string{"settings"}, Ask: e.serves},
		{Name: "credential", Needs: []string{"server"}, Ask: e.known},
		{Name: "may push", Needs: []string{"credential"}, Ask: e.may(rpc.Role_ROLE_PUSH, "push, cancel")},
		{Name: "may read", Needs: []string{"credential"}, Ask: e.may(rpc.Role_ROLE_READ, "get, wait, stats")},
		{Name: "may use dead letters", Needs: []string{"credential"}, Ask: e.may(rpc.Role_ROLE_ADMIN, "dlq")},
		{Name: "queue", Needs: []string{"may read"}, Ask: e.counts},
	})
}

func (e *serverExamination) dialled(context.Context) (string, error) {
	if e.begun != nil {
		return "", e.begun
	}
	s, err := e.loader.Load()
	if err != nil {
		return "", err
	}
	e.remote, err = e.dial(s)
	return "all of them are good", err
}

func (e *serverExamination) serves(ctx context.Context) (string, error) {
	return e.loader.Text("server") + " answers, and is ready", e.remote.Check(ctx)
}

func (e *serverExamination) known(ctx context.Context) (detail string, err error) {
	if e.roles, err = e.remote.Roles(ctx); err != nil {
		return "", mend(err, port.ErrRefused, "set --token-file, or --client-cert and --client-key, to one that the server's --credentials have")
	}
	return "the server knows it", nil
}

// may says whether the credential has a role, and which commands want it.
func (e *serverExamination) may(role rpc.Role, commands string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if slices.Contains(e.roles, role) {
			return commands, nil
		}
		name := strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
		return "", fmt.Errorf("%w: the credential has not the role %s, which is for %s: add it in the server's --credentials", port.ErrRefused, name, commands)
	}
}

func (e *serverExamination) counts(ctx context.Context) (string, error) {
	_, err := e.remote.Stats(ctx)
	return "the server reaches it", mend(err, port.ErrRefused, "run goflow doctor where the server runs")
}

// mend adds to an error of this kind how to mend it.
func mend(err, kind error, how string) error {
	if errors.Is(err, kind) {
		return fmt.Errorf("%w: %s", err, how)
	}
	return err
}
