package cost_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// These are the price steps of what GoFlow writes: a change that makes records or
// messages larger, so that a step comes sooner, fails here.

// results are sizes of a result, and the write units of its record: 32 bytes are
// the ID, state, generation, expiry and names.
var results = []struct {
	size  int
	units float64
}{
	{0, 1},
	{100, 1},
	{992, 1}, // the most for one unit
	{993, 2},
	{1024, 2},
	{2016, 2},
	{2017, 3},
	{4 << 10, 5},
	{100 << 10, 101},
}

// done is the record of a task that has run once.
func done(id string, size int) port.Record {
	return port.Record{
		ID: id, State: task.Done, Generation: 1, Result: make([]byte, size),
		Expires: time.Unix(1_764_504_348, 0).Add(100 * 365 * 24 * time.Hour),
	}
}

func TestResultSizesAndWriteUnits(t *testing.T) {
	t.Parallel()
	for _, r := range results {
		var m cost.Meter
		cfg := watched(t, &m, &service{answers: []string{`200 {"Responses":[{}]}`}})
		store := dynamo.New(awsdynamodb.NewFromConfig(cfg), "tasks")
		require.NoError(t, store.Save(t.Context(), []port.Record{done("00000000-0000-7000-8000-000000000000", r.size)}))
		require.InDelta(t, r.units, m.Usage().WriteUnits, 0, "a result of %d bytes", r.size)
	}
}

// TestResultSizesOnDynamoDB asks DynamoDB Local for the same, by an update that
// changes nothing: of statements it reports none.
func TestResultSizesOnDynamoDB(t *testing.T) {
	t.Parallel()
	var m cost.Meter
	client, table := local(t, &m)
	store := dynamo.New(client, *table)
	for i, r := range results {
		require.NoError(t, store.Save(t.Context(), []port.Record{done(fmt.Sprintf("%08x-0000-0000-0000-000000000000", i), r.size)}))
		key := item{"id": &types.AttributeValueMemberB{Value: append([]byte{0, 0, 0, byte(i)}, make([]byte, 12)...)}}
		out, err := client.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
			TableName: table, Key: key, UpdateExpression: aws.String("SET g = g"), ConditionExpression: aws.String("attribute_exists(id)"),
		})
		require.NoError(t, err)
		require.InDelta(t, r.units, *out.ConsumedCapacity.CapacityUnits, 0, "a result of %d bytes", r.size)
	}
}

// TestPayloadSizesAndRequests: what a batch of ten pushes is billed. An envelope
// has 72 bytes and the task's type besides the payload.
func TestPayloadSizesAndRequests(t *testing.T) {
	t.Parallel()
	const envelope = 72 + len("greet")
	for _, p := range []struct {
		size     int
		requests int64
	}{
		{100, 1},
		{1 << 10, 1},
		{64<<10/10 - envelope, 1}, // the most of ten tasks in a request
		{64<<10/10 - envelope + 1, 2},
		{8 << 10, 2},
		{64 << 10, 11},
		{100 << 10, 16}, // a whole MiB in all, less what a dead letter's reason takes
	} {
		var m cost.Meter
		broker := sqs.New(awssqs.NewFromConfig(watched(t, &m, &service{answers: []string{`200 {}`}})), *plain)
		client, err := goflow.NewClient(broker, memory.NewStore())
		require.NoError(t, err)
		_, err = broker.Limits(t.Context()) // is asked once
		require.NoError(t, err)
		before := m.Usage()
		tasks := slices.Repeat([]task.Task{{Type: "greet", Payload: json.RawMessage(`"` + strings.Repeat("x", p.size-2) + `"`)}}, 10)
		_, err = client.PushMany(t.Context(), tasks)
		require.Error(t, err, "no entry is answered")
		got := m.Usage().Sub(before)
		require.EqualValues(t, 1, got.Requests())
		require.Equal(t, p.requests, got.StandardRequests, "payloads of %d bytes", p.size)
	}
}
