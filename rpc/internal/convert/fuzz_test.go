package convert_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/allocs"
	"github.com/jamesTait-jt/goflow/rpc"
	"github.com/jamesTait-jt/goflow/rpc/internal/convert"
)

// perByte bounds what a message allocates for each byte of it, beside allocs.Spare. The
// dearest bytes are those of many empty entries.
const perByte = 128

// FuzzMessages reads any bytes as each message that one side takes from the other. What is
// one becomes the core's word for it, and that says the same again when it travels back.
func FuzzMessages(f *testing.F) {
	f.Fuzz(checkMessages)
}

func TestMemoryOfMessagesIsBounded(t *testing.T) { //nolint:paralleltest // it counts what all of the process allocate
	const size = 256 << 10
	for _, unit := range []string{"\x0a\x00", "\x22\x00", "\x62\x00", "\x1b", "\x13\x14", "\x0a\x02\x0a\x00", "\x08\x01"} {
		checkMessages(t, []byte(strings.Repeat(unit, size/len(unit))))
	}
}

func checkMessages(t *testing.T, b []byte) {
	t.Helper()
	allocs.Within(t, len(b), perByte, func() {
		whole(t, b, &rpc.Task{}, checkTask)
		whole(t, b, &rpc.Record{}, checkRecord)
		whole(t, b, &rpc.DeadLetter{}, checkLetter)
		whole(t, b, &rpc.DeadLetterFilter{}, checkFilter)
		whole(t, b, &rpc.Error{}, func(t *testing.T, e *rpc.Error) {
			t.Helper()
			requireSort(t, convert.FromError(e, "key"))
		})
		whole(t, b, &spb.Status{}, func(t *testing.T, s *spb.Status) {
			t.Helper()
			if err := convert.FromStatus(status.ErrorProto(s)); err != nil {
				requireSort(t, err)
			}
		})
	})
}

// whole calls check if b is such a message.
func whole[M proto.Message](t *testing.T, b []byte, m M, check func(*testing.T, M)) {
	t.Helper()
	if proto.Unmarshal(b, m) == nil {
		check(t, m)
	}
}

func checkTask(t *testing.T, m *rpc.Task) {
	t.Helper()
	p, err := convert.Push(m)
	if err != nil {
		require.ErrorIs(t, err, port.ErrInvalid)
		return
	}
	p.Headers, p.Payload = orNil(p.Headers), orNone(p.Payload)
	again, err := convert.Push(convert.Task(&p))
	require.NoError(t, err)
	require.Equal(t, p, again)
}

func checkRecord(t *testing.T, m *rpc.Record) {
	t.Helper()
	rec := convert.FromRecord(m)
	rec.Result = orNone(rec.Result)
	require.LessOrEqual(t, rec.State, task.Expired, "%v", m.GetState())
	require.Equal(t, rec, convert.FromRecord(travel(t, convert.Record(&rec), &rpc.Record{})))
}

func checkLetter(t *testing.T, m *rpc.DeadLetter) {
	t.Helper()
	l := convert.FromDeadLetter(m)
	l.Attributes, l.Body = orNil(l.Attributes), orNone(l.Body)
	again := convert.FromDeadLetter(travel(t, convert.DeadLetter(&l), &rpc.DeadLetter{}))
	require.True(t, l.SentAt.Equal(again.SentAt) && l.DiedAt.Equal(again.DiedAt), "%v is now %v", l, again)
	l.SentAt, l.DiedAt = again.SentAt, again.DiedAt
	require.Equal(t, l, again)
}

func checkFilter(t *testing.T, m *rpc.DeadLetterFilter) {
	t.Helper()
	f, err := convert.FromFilter(m)
	if err != nil {
		require.ErrorIs(t, err, goflow.ErrInvalid)
		return
	}
	again, err := convert.FromFilter(convert.Filter(&f))
	require.NoError(t, err)
	require.Equal(t, f, again)
}

// Between empty and none the wire knows no difference.

func orNil(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

func orNone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// travel sends a message.
func travel[M proto.Message](t *testing.T, m, into M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, into))
	return into
}

// requireSort wants an error that a program can ask for by its sort.
func requireSort(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []error{
		port.ErrInvalid, port.ErrTooLarge, port.ErrUnavailable, port.ErrRefused, port.ErrClosed, port.ErrAmbiguous, port.ErrFinished,
		port.ErrClaimed, goflow.ErrDuplicateTask, goflow.ErrNotUnique, goflow.ErrNotFound,
	} {
		if errors.Is(err, kind) {
			return
		}
	}
	require.Fail(t, "an error of no sort", "%v", err)
}
