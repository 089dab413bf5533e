package cost_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
func binary(length int) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: make([]byte, length)}
}

// values are of all types, with the size that DynamoDB Local counts for them:
// TestSizesAreDynamoDBs asks it.
var values = []struct {
	value types.AttributeValue
	size  int
}{
	{number("0"), 1},
	{number("1"), 2},
	{number("10"), 2},
	{number("100"), 2},
	{number("123"), 3},
	{number("150"), 3},
	{number("1500"), 2},
	{number("-1"), 3},
	{number("-123"), 4},
	{number("0.5"), 2},
	{number("0.05"), 2},
	{number("1e10"), 2},
	{number("1764504348"), 6},
	{number("1764504300"), 5},
	{number("12345678901234567890"), 11},
	{text("abé"), 4},
	{binary(7), 7},
	{&types.AttributeValueMemberBOOL{Value: true}, 1},
	{&types.AttributeValueMemberNULL{Value: true}, 1},
	{&types.AttributeValueMemberSS{Value: []string{"ab", "é"}}, 4},
	{&types.AttributeValueMemberNS{Value: []string{"1", "123"}}, 5},
	{&types.AttributeValueMemberBS{Value: [][]byte{{1}, {2, 3}}}, 3},
	{&types.AttributeValueMemberL{}, 3},
	{&types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNULL{Value: true}, text("abc")}}, 9},
	{&types.AttributeValueMemberM{}, 3},
	{&types.AttributeValueMemberM{Value: item{"a": &types.AttributeValueMemberBOOL{}}}, 6},
}

func TestItemSize(t *testing.T) {
	t.Parallel()
	require.Zero(t, cost.ItemSize(nil))
	require.Equal(t, 3+5+2+3, cost.ItemSize(item{"one": text("three"), "n2": number("150")}))
	for _, v := range values {
		require.Equal(t, 1+v.size, cost.ItemSize(item{"v": v.value}), "%#v", v.value)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]float64{0: 1, 1: 1, 1024: 1, 1025: 2, 2048: 2, 2049: 3, 400 << 10: 400} {
		require.InDelta(t, want, cost.WriteUnits(size), 0, size)
	}
	for size, want := range map[int]float64{0: 1, 4096: 1, 4097: 2, 400 << 10: 100} {
		require.InDelta(t, want, cost.ReadUnits(size, true), 0, size)
		require.InDelta(t, want/2, cost.ReadUnits(size, false), 0, size)
	}
	for payload, want := range map[int]int64{0: 1, 1: 1, 65_536: 1, 65_537: 2, 256 << 10: 4, 1 << 20: 16} {
		require.Equal(t, want, cost.SQSRequests(payload), payload)
	}
}

func TestDollars(t *testing.T) {
	t.Parallel()
	for want, u := range map[float64]cost.Usage{
		0.40:  {StandardRequests: 1e6},
		0.50:  {FIFORequests: 1e6},
		0.625: {WriteUnits: 1e6},
		0.125: {ReadUnits: 1e6},
		1.65:  {StandardRequests: 1e6, FIFORequests: 1e6, WriteUnits: 1e6, ReadUnits: 1e6, Connections: 7},
	} {
		require.InDelta(t, want, u.Dollars(), 1e-9)
		require.InDelta(t, u.Dollars(), u.SQSDollars()+u.DynamoDBDollars(), 1e-9)
	}
	p := cost.USEast1()
	for _, price := range []cost.Price{p.SQSStandard, p.SQSFIFO, p.WriteUnit, p.ReadUnit, p.StorageGBMonth, p.LambdaRequest, p.LambdaGBSecond} {
		require.Positive(t, price.Dollars)
		require.True(t, strings.HasPrefix(price.Source, "https://aws.amazon.com/"), price.Source)
		require.Regexp(t, `^\d{4}-\d\d-\d\d$`, price.Date)
	}
}

func TestSubIsWhatWasUsedSince(t *testing.T) {
	t.Parallel()
	send, load := cost.Operation{Service: "SQS", Name: "SendMessage"}, cost.Operation{Service: "DynamoDB", Name: "GetItem"}
	before := cost.Usage{Calls: map[cost.Operation]int64{send: 2}, Connections: 1, StandardRequests: 2, WriteUnits: 1}
	after := cost.Usage{
		Calls: map[cost.Operation]int64{send: 2, load: 3}, Connections: 2, StandardRequests: 6, FIFORequests: 1, WriteUnits: 1, ReadUnits: 1.5,
	}
	require.Equal(t, cost.Usage{
		Calls: map[cost.Operation]int64{load: 3}, Connections: 1, StandardRequests: 4, FIFORequests: 1, ReadUnits: 1.5,
	}, after.Sub(before))
	require.EqualValues(t, 5, after.Requests(), "the usage itself stays")
	require.Equal(t, after, after.Sub(cost.Usage{}))
}
