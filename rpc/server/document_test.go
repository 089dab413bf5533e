package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
	"github.com/jamesTait-jt/goflow/rpc/server"
)

// rows are the lines of docs/grpc.md's table below a heading, as their cells.
func rows(t *testing.T, heading string) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/grpc.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| ") {
			cells := strings.Split(strings.Trim(line, "| \n"), " | ")
			all = append(all, cells)
		}
	}
	require.NotEmpty(t, all)
	return all[1:]
}

func TestDocumentNamesMethodsAndRoles(t *testing.T) {
	t.Parallel()
	var want [][]string
	for _, m := range methods(t) {
		role, _ := proto.GetExtension(m.Options(), rpc.E_Role).(rpc.Role)
		want = append(want, []string{"`" + string(m.Name()) + "`", strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))})
	}
	var got [][]string
	for _, row := range rows(t, "Methods") {
		got = append(got, row[:2])
	}
	require.Equal(t, want, got)
}

func TestDocumentNamesReasonsAndTheirCodes(t *testing.T) {
	t.Parallel()
	code := map[string]string{}
	for _, row := range rows(t, "Errors") {
		code[strings.Trim(row[0], "`")] = row[1]
	}
	require.Len(t, code, len(rpc.Reason_name)-1)
	for reason := range rpc.Reason_name {
		if reason := rpc.Reason(reason); reason != rpc.Reason_REASON_UNSPECIFIED {
			require.Contains(t, code, reason.String())
		}
	}
	for _, err := range []error{
		port.ErrInvalid, port.ErrTooLarge, port.ErrUnavailable, port.ErrRefused, port.ErrClosed, port.ErrAmbiguous, port.ErrFinished, port.ErrClaimed,
	} {
		sent := convert.Status(err)
		var want codes.Code
		require.NoError(t, want.UnmarshalJSON([]byte(`"`+code[convert.Info(sent).GetReason()]+`"`)), err)
		require.Equal(t, want, status.Code(sent), err)
	}
}

func TestDocumentNamesLimits(t *testing.T) {
	t.Parallel()
	want := []string{
		fmt.Sprintf("%d MiB", server.DefaultMaxRequestBytes>>20), fmt.Sprintf("%d KiB", server.DefaultMaxHeaderBytes>>10),
		fmt.Sprint(server.DefaultMaxStreams), fmt.Sprint(server.MaxIDs), fmt.Sprint(server.MaxFilterIDs),
	}
	for _, d := range []time.Duration{
		server.DefaultHandlerTimeout, server.MaxCall, server.DefaultConnectTimeout, server.DefaultMinPing,
		server.DefaultMaxConnectionIdle, server.DefaultMaxConnectionAge,
	} {
		want = append(want, d.String())
	}
	var got []string
	for _, row := range rows(t, "Limits") {
		limit := row[1]
		if d, err := time.ParseDuration(limit); err == nil {
			limit = d.String()
		}
		got = append(got, limit)
	}
	require.Equal(t, want, got)
}

// The server is mounted in programs that may have another broker.
func TestServerImportsNoCloud(t *testing.T) {
	t.Parallel()
	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	require.Contains(t, string(deps), "google.golang.org/grpc\n")
	for dep := range strings.FieldsSeq(string(deps)) {
		for _, heavy := range []string{"github.com/aws", "k8s.io/client-go", "github.com/spf13", "goflow/adapters", "goflow/internal", "goflow/cmd"} {
			require.NotContains(t, dep, heavy)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	for _, option := range []server.Option{
		server.HandlerTimeout(0), server.HandlerTimeout(2 * time.Hour), server.Drain(-1), server.Drain(2 * time.Hour),
	} {
		_, err := server.New(newWorld(t).client, server.Authenticate(server.Anyone()), option)
		require.ErrorIs(t, err, port.ErrInvalid)
	}
}

func TestCallerIsKnownToHandlers(t *testing.T) {
	t.Parallel()
	_, ok := server.CallerFromContext(t.Context())
	require.False(t, ok)
	var name string
	w := newWorld(t).serve(server.RedriveAll(func(ctx context.Context, _ func(server.Move)) (server.Move, error) {
		caller, _ := server.CallerFromContext(ctx)
		name = caller.Name
		return server.Move{}, errors.New("broken")
	}))
	client, ctx := w.as("admin")
	_, err := all(client.RedriveAllDeadLetters(ctx, &rpc.RedriveAllDeadLettersRequest{}))
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, "admin", name)
}
