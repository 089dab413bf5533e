package cloud_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/simulation/cloud"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

const (
	url     = "https://sqs.test/0/tasks"
	letters = "https://sqs.test/0/dead"
	storm   = time.Hour
)

// sky is a cloud whose weather a test makes. No call fails while the storm is over.
type sky struct {
	*testing.T
	cloud *cloud.Cloud
	p     *cloud.Process
}

// under runs a test in weather in which these faults come whenever they can.
func under(t *testing.T, test func(s *sky), faults ...cloud.Fault) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		c := cloud.New(7, history.NewLog(), cloud.Always(storm, faults...))
		c.AddQueue(url, 3, 10, letters)
		s := &sky{T: t, cloud: c, p: c.Start("process", true)}
		test(s)
		s.cloud.End()
		c.Wait()
	})
}

func (s *sky) send(delay int32) error {
	out, err := s.p.Queues().SendMessageBatch(s.Context(), &awssqs.SendMessageBatchInput{
		QueueUrl: new(url), Entries: []types.SendMessageBatchRequestEntry{{Id: new("0"), MessageBody: new("body"), DelaySeconds: delay}},
	})
	if err == nil && len(out.Failed) > 0 {
		return errors.New(*out.Failed[0].Code)
	}
	return err
}

// receive is a poll of a second, with a lease of ten.
func (s *sky) receive() []types.Message {
	s.Helper()
	out, err := s.p.Queues().ReceiveMessage(s.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: new(url), MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 10,
	})
	require.NoError(s, err)
	return out.Messages
}

func (s *sky) remove(m types.Message) {
	s.Helper()
	_, err := s.p.Queues().DeleteMessageBatch(s.Context(), &awssqs.DeleteMessageBatchInput{
		QueueUrl: new(url), Entries: []types.DeleteMessageBatchRequestEntry{{Id: new("0"), ReceiptHandle: m.ReceiptHandle}},
	})
	require.NoError(s, err)
}

func (s *sky) write(ctx context.Context, statements ...ddbtypes.BatchStatementRequest) ([]ddbtypes.BatchStatementResponse, error) {
	out, err := s.p.Table().BatchExecuteStatement(ctx, &awsdynamodb.BatchExecuteStatementInput{Statements: statements})
	if err != nil {
		return nil, err
	}
	return out.Responses, nil
}

func (s *sky) read(fresh bool, keys ...string) *awsdynamodb.BatchGetItemOutput {
	s.Helper()
	asked := ddbtypes.KeysAndAttributes{ConsistentRead: &fresh}
	for _, k := range keys {
		asked.Keys = append(asked.Keys, map[string]ddbtypes.AttributeValue{"id": key(k)})
	}
	out, err := s.p.Table().BatchGetItem(s.Context(), &awsdynamodb.BatchGetItemInput{RequestItems: map[string]ddbtypes.KeysAndAttributes{"tasks": asked}})
	require.NoError(s, err)
	return out
}

func key(name string) ddbtypes.AttributeValue {
	return &ddbtypes.AttributeValueMemberB{Value: []byte(name)}
}

func insert(name string) ddbtypes.BatchStatementRequest {
	return ddbtypes.BatchStatementRequest{
		Statement:  new(`INSERT INTO "tasks" VALUE {'id': ?, 's': ?}`),
		Parameters: []ddbtypes.AttributeValue{key(name), &ddbtypes.AttributeValueMemberN{Value: "0"}},
	}
}

// of is how many events of a kind there were.
func (s *sky) of(kind history.Kind) (n int) {
	for _, e := range s.cloud.Log.Events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// TestFaults: each fault does what it says, and none outlasts the storm.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := faults()
	for _, f := range cloud.Faults() {
		if f == cloud.CrashRun || f == cloud.Pause || f == cloud.Outage { // these are drawn elsewhere
			continue
		}
		require.Contains(t, tests, f)
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			under(t, func(s *sky) {
				tests[f](s)
				require.Positive(s, s.cloud.Weather.Counts()[f])
				before := s.cloud.Weather.Counts()[f]
				time.Sleep(storm)
				s.p = s.cloud.Start("later", true)
				require.NoError(s, s.send(0))
				require.Equal(s, before, s.cloud.Weather.Counts()[f], "in the calm")
			}, f)
		})
	}
}

func faults() map[cloud.Fault]func(*sky) {
	fails := func(sent int) func(*sky) {
		return func(s *sky) {
			require.Error(s, s.send(0))
			require.Equal(s, sent, s.of(history.Sent))
		}
	}
	dies := func(sent int) func(*sky) {
		return func(s *sky) {
			go func() { _ = s.send(0) }() // it stands still in there
			<-s.p.Died()
			require.True(s, s.p.Dead())
			require.Equal(s, sent, s.of(history.Sent))
		}
	}
	return map[cloud.Fault]func(*sky){
		cloud.Refused: fails(0), cloud.Throttled: fails(0), cloud.LostAnswer: fails(3), // it is sent by each try of the SDK
		cloud.CrashBefore: dies(0), cloud.CrashAfter: dies(1),
		cloud.ServerError: func(s *sky) {
			for range 10 {
				require.Error(s, s.send(0))
			}
			require.Positive(s, s.of(history.Sent), "with effect")
			require.Less(s, s.of(history.Sent), 30, "without effect")
		},
		cloud.Slow: func(s *sky) {
			begin := time.Now()
			require.NoError(s, s.send(0))
			require.Greater(s, time.Since(begin), 18*time.Millisecond)
		},
		cloud.Stall: stall,
		cloud.ItemFailed: func(s *sky) {
			for range 10 {
				require.EqualError(s, s.send(0), "InternalError")
			}
			require.Positive(s, s.of(history.Sent), "it was sent all the same")
			require.Less(s, s.of(history.Sent), 10, "it was not sent")
		},
		cloud.ItemBusy: func(s *sky) {
			got, err := s.write(s.Context(), insert("a"))
			require.NoError(s, err)
			require.NotNil(s, got[0].Error)
			require.Zero(s, s.of(history.Wrote))
		},
		cloud.Duplicate: func(s *sky) {
			require.NoError(s, s.send(2))
			require.Empty(s, s.receive(), "it waits for its delay")
			time.Sleep(2 * time.Second)
			require.Len(s, s.receive(), 1)
			require.Len(s, s.receive(), 1, "it is leased")
		},
		cloud.Ghost: func(s *sky) {
			require.NoError(s, s.send(0))
			s.remove(s.receive()[0])
			require.Empty(s, s.cloud.Messages(url), "it is deleted")
			time.Sleep(30 * time.Second)
			ghost := s.receive()
			require.Len(s, ghost, 1)
			s.remove(ghost[0])
			time.Sleep(time.Minute)
			require.Empty(s, s.receive(), "once")
			require.Equal(s, 1, s.of(history.Deleted))
		},
		cloud.Late: late,
		cloud.Stale: func(s *sky) {
			_, err := s.write(s.Context(), insert("a"))
			require.NoError(s, err)
			require.Len(s, s.read(true, "a").Responses["tasks"], 1, "a strong read")
			seen := map[int]bool{}
			for range 20 {
				seen[len(s.read(false, "a").Responses["tasks"])] = true
			}
			require.Equal(s, map[int]bool{0: true, 1: true}, seen)
		},
		cloud.LeftOut: func(s *sky) {
			_, err := s.write(s.Context(), insert("a"))
			require.NoError(s, err)
			out := s.read(true, "a")
			require.Empty(s, out.Responses["tasks"])
			require.Equal(s, []map[string]ddbtypes.AttributeValue{{"id": key("a")}}, out.UnprocessedKeys["tasks"].Keys)
		},
	}
}

// stall: a process stands still after its call took effect, before it knows of it.
func stall(s *sky) {
	begin := time.Now()
	require.NoError(s, s.send(0))
	took := time.Since(begin)
	var kinds []history.Kind
	for _, e := range s.cloud.Log.Events() {
		if e.Kind == history.Sent || e.Kind == history.Paused {
			kinds = append(kinds, e.Kind)
		}
		if e.Kind == history.Paused {
			d, err := time.ParseDuration(e.Text)
			require.NoError(s, err)
			require.Greater(s, took, d)
			require.Greater(s, d, time.Second, "it could be that of a slow answer")
		}
	}
	require.Equal(s, []history.Kind{history.Sent, history.Paused}, kinds)
}

// late: a message that was given back comes later than it was asked to.
func late(s *sky) {
	require.NoError(s, s.send(0))
	m := s.receive()[0]
	begin := time.Now()
	_, err := s.p.Queues().ChangeMessageVisibilityBatch(s.Context(), &awssqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: new(url), Entries: []types.ChangeMessageVisibilityBatchRequestEntry{{Id: new("0"), ReceiptHandle: m.ReceiptHandle}},
	})
	require.NoError(s, err)
	for len(s.receive()) == 0 {
		require.Less(s, time.Since(begin), 10*time.Second)
	}
	require.Greater(s, time.Since(begin), 20*time.Millisecond)
}

// TestProcesses: who is dead does nothing more, and who is paused goes on later.
func TestProcesses(t *testing.T) {
	t.Parallel()
	for name, subtest := range map[string]func(*sky){
		"killed": func(s *sky) {
			s.p.Kill()
			s.p.Kill() // once
			done := make(chan error, 1)
			go func() { done <- s.send(0) }()
			time.Sleep(storm)
			require.Empty(s, done, "it stands still")
			require.Zero(s, s.of(history.Sent))
			require.Equal(s, 1, s.of(history.Killed))
			s.cloud.End()
			require.Error(s, <-done)
			s.cloud = cloud.New(1, history.NewLog(), s.cloud.Weather) // which under ends
		},
		"paused": func(s *sky) {
			begin := time.Now()
			s.p.Pause(time.Minute)
			require.NoError(s, s.send(0))
			require.Greater(s, time.Since(begin), time.Minute)
			require.Less(s, time.Since(begin), time.Minute+time.Second)
		},
		"its call goes on when nobody waits for it": func(s *sky) {
			ctx, cancel := context.WithCancel(s.Context())
			go func() { time.Sleep(time.Microsecond); cancel() }()
			_, err := s.write(ctx, insert("a"))
			require.ErrorIs(s, err, context.Canceled)
			time.Sleep(time.Second)
			require.Equal(s, 1, s.of(history.Wrote))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			under(t, subtest)
		})
	}
}

// TestBadCalls: what AWS refuses as a whole is refused.
func TestBadCalls(t *testing.T) {
	t.Parallel()
	n := &ddbtypes.AttributeValueMemberN{Value: "0"}
	for _, bad := range []struct {
		text   string
		params []ddbtypes.AttributeValue
	}{
		{`DELETE FROM "tasks" WHERE id = ?`, []ddbtypes.AttributeValue{key("a")}},
		{`INSERT INTO "tasks" VALUE {'id': ?, 's': ?}`, []ddbtypes.AttributeValue{key("a")}},
		{`INSERT INTO "tasks" VALUE {'id': ?}`, []ddbtypes.AttributeValue{key("a"), n}},
		{`INSERT INTO "tasks" VALUE {'id': ?}`, []ddbtypes.AttributeValue{n}},
		{`INSERT INTO "tasks" VALUE {'s': ?}`, []ddbtypes.AttributeValue{n}},
		{`INSERT INTO "tasks" VALUE {'id': ?`, []ddbtypes.AttributeValue{key("a")}},
		{`UPDATE "tasks" SET s = ?`, []ddbtypes.AttributeValue{n}},
		{`UPDATE "tasks" SET s = ? WHERE s = ?`, []ddbtypes.AttributeValue{n, n}},
		{`UPDATE "tasks" SET s = s + ? WHERE id = ?`, []ddbtypes.AttributeValue{n, key("a")}},
		{`UPDATE "tasks" SET s = ? WHERE id = ? AND (s = ?`, []ddbtypes.AttributeValue{n, key("a"), n}},
		{`UPDATE "tasks" SET s = ? WHERE id = ? AND e IS NULL`, []ddbtypes.AttributeValue{n, key("a")}},
		{`UPDATE "tasks" SET s = ? WHERE id = ? OR s = ?`, []ddbtypes.AttributeValue{n, key("a"), n}},
		{`UPDATE "tasks" SET s = ? WHERE id = ? AND s <> ?`, []ddbtypes.AttributeValue{n, key("a"), n}},
		{`UPDATE "tasks" SET s = ? WHERE id = ? RETURNING ALL OLD *`, []ddbtypes.AttributeValue{n, key("a")}},
	} {
		t.Run(bad.text, func(t *testing.T) {
			t.Parallel()
			under(t, func(s *sky) {
				_, err := s.write(s.Context(), ddbtypes.BatchStatementRequest{Statement: &bad.text, Parameters: bad.params})
				require.ErrorContains(s, err, "ValidationException")
			})
		})
	}
}

// TestBadBatches: no batch holds one item twice, nothing, or too much.
func TestBadBatches(t *testing.T) {
	t.Parallel()
	under(t, func(s *sky) {
		_, err := s.write(s.Context(), insert("a"), insert("b"), insert("a"))
		require.ErrorContains(s, err, "multiple operations on one item")
		_, err = s.write(s.Context())
		require.ErrorContains(s, err, "0 statements")
		many := make([]ddbtypes.BatchStatementRequest, 26)
		for i := range many {
			many[i] = insert(strings.Repeat("x", i+1))
		}
		_, err = s.write(s.Context(), many...)
		require.ErrorContains(s, err, "26 statements")
		_, err = s.write(s.Context(), many[1:]...)
		require.NoError(s, err)
		require.Len(s, s.cloud.Rows(), 25)
		entries := make([]types.SendMessageBatchRequestEntry, 11)
		for i := range entries {
			entries[i] = types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: new("body")}
		}
		_, err = s.p.Queues().SendMessageBatch(s.Context(), &awssqs.SendMessageBatchInput{QueueUrl: new(url), Entries: entries})
		require.ErrorContains(s, err, "11 entries")
	})
}
