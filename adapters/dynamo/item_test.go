package dynamo_test

import (
	"encoding/hex"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// expires is a time whose fraction of a second is rounded up.
func expires() time.Time { return time.Unix(4102444800, 1).Add(-time.Second) } // 4102444800 after rounding

// show makes a row readable: type and value of each attribute.
func show(row dynamo.Item) map[string]string {
	out := map[string]string{}
	for name, value := range row {
		out[name] = showValue(value)
	}
	return out
}

func showValue(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberN:
		return "N " + v.Value
	case *types.AttributeValueMemberS:
		return "S " + v.Value
	case *types.AttributeValueMemberB:
		return "B " + hex.EncodeToString(v.Value)
	}
	return "?"
}

func TestItemLayout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rec  port.Record
		want map[string]string
	}{
		{
			"an open record has its counters",
			port.Record{State: task.Open, Generation: 1},
			map[string]string{"s": "N 0", "g": "N 1", "a": "N 0", "o": "N 0", "c": "N 0"},
		},
		{
			"a done one has what says something",
			port.Record{State: task.Done, Generation: 1, Result: []byte("\x00\xff"), Expires: expires()},
			map[string]string{"s": "N 1", "g": "N 1", "r": "B 00ff", "t": "N 4102444800"},
		},
		{
			"everything",
			port.Record{
				State: task.Dead, Generation: 2, Attempts: 3, GiveBacks: 4, Starts: 5, Epoch: 6,
				LeaseEnd: time.UnixMilli(1700000000123), Token: "token", Result: []byte("r"), Error: "why", Reason: "failed",
				Hash: []byte{1}, Expires: time.Unix(1800000000, 0),
			},
			map[string]string{
				"s": "N 2", "g": "N 2", "a": "N 3", "o": "N 4", "c": "N 5", "e": "N 6", "l": "N 1700000000123", "w": "S token",
				"r": "B 72", "x": "S why", "d": "S failed", "p": "B 01", "t": "N 1800000000",
			},
		},
		{"cancelled", port.Record{State: task.Cancelled, Generation: 1}, map[string]string{"s": "N 3", "g": "N 1"}},
		{"expired", port.Record{State: task.Expired, Generation: 1}, map[string]string{"s": "N 4", "g": "N 1"}},
	} {
		require.Equal(t, c.want, show(dynamo.Encode(c.rec)), c.name)
	}
}

func TestForeignItemsAreRead(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]dynamo.Item{
		"empty":         {},
		"unknown state": {"s": &types.AttributeValueMemberN{Value: "99"}},
		"other types": {
			"s": &types.AttributeValueMemberS{Value: "0"}, "g": &types.AttributeValueMemberN{Value: "1.5"},
			"r": &types.AttributeValueMemberS{Value: "text"}, "x": &types.AttributeValueMemberBOOL{Value: true},
			"e": &types.AttributeValueMemberN{Value: "-1"},
		},
	} {
		require.Empty(t, dynamo.Decode("", row).Result, name)
		require.Zero(t, dynamo.Decode("", row).Epoch, name)
	}
	require.Equal(t, task.Unknown, dynamo.Decode("", dynamo.Item{"s": &types.AttributeValueMemberN{Value: "99"}}).State)
}

// TestSizeOfAnItem: the result of the common record may have 992 bytes before
// its write costs two units.
func TestSizeOfAnItem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rec  port.Record
		want int
	}{
		{port.Record{State: task.Open, Generation: 1}, 33},
		{port.Record{State: task.Done, Generation: 1, Expires: expires()}, 31},
		{port.Record{State: task.Done, Generation: 1, Expires: expires(), Result: make([]byte, 992)}, 1024},
		{port.Record{State: task.Dead, Generation: 1, Expires: expires(), Attempts: 5, GiveBacks: 4, Error: "why"}, 41},
	} {
		require.Equal(t, c.want, dynamo.Size(c.rec))
	}
}

func FuzzItem(f *testing.F) {
	f.Fuzz(func(t *testing.T, state byte, generation int64, count int32, epoch uint64, lease int64, b []byte, s string, until int64) {
		count &= math.MaxInt32
		want := port.Record{
			ID: "id", State: task.State(state%5) + task.Open, Generation: int(generation), Attempts: int(count),
			GiveBacks: int(count / 2), Starts: int(count / 3), Epoch: epoch % math.MaxInt64,
		}
		if utf8.ValidString(s) {
			want.Error, want.Token = s, s
		}
		if len(b) > 0 {
			want.Result, want.Hash = b, b
		}
		if lease != 0 {
			want.LeaseEnd = time.UnixMilli(lease)
		}
		if until %= 1 << 40; until != 0 {
			want.Expires = time.Unix(until, 0)
		}
		got := dynamo.Decode("id", dynamo.Encode(want))
		require.True(t, want.LeaseEnd.Equal(got.LeaseEnd) && want.Expires.Equal(got.Expires))
		got.LeaseEnd, got.Expires = want.LeaseEnd, want.Expires
		require.Equal(t, want, got)
	})
}
