package cloud

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// Table is DynamoDB as a process sees it.
type Table struct{ p *Process }

var _ dynamo.API = Table{}

// Table returns what the process calls DynamoDB by.
func (p *Process) Table() Table { return Table{p: p} }

// do makes a call to the table, whose effect has it for itself.
func (t Table) do(ctx context.Context, op string, items []string, optFns []func(*awsdynamodb.Options), effect func(*rand.Rand) error) error { //nolint:revive // what a call is
	o := awsdynamodb.Options{RetryMaxAttempts: sdkTries}
	for _, f := range optFns {
		f(&o)
	}
	return t.p.do(ctx, call{
		op: op, items: items, tries: o.RetryMaxAttempts,
		tried: func(ctx context.Context, err error) { watched(ctx, o.APIOptions, err) },
		effect: func(_ context.Context, r *rand.Rand) error {
			t.p.Cloud.mu.Lock()
			defer t.p.Cloud.mu.Unlock()
			return effect(r)
		},
	})
}

// wrong is how AWS finds a whole call wrong. It is written down: an adapter that
// makes do with such an answer hides a bug.
func (p *Process) wrong(why string, args ...any) error {
	text := fmt.Sprintf(why, args...)
	p.Cloud.Log.Add(history.Event{Actor: p.Name, Kind: history.Wrong, Text: text})
	return &smithy.GenericAPIError{Code: "ValidationException", Message: text, Fault: smithy.FaultClient}
}

const (
	mostStatements = 25
	mostKeys       = 100
)

// BatchExecuteStatement carries out statements, each by itself.
func (t Table) BatchExecuteStatement(ctx context.Context, in *awsdynamodb.BatchExecuteStatementInput, optFns ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchExecuteStatementOutput, error) {
	statements := make([]statement, len(in.Statements))
	items := make([]string, len(in.Statements))
	seen := map[string]bool{}
	for i, s := range in.Statements {
		st, err := parse(*s.Statement, s.Parameters)
		if err != nil {
			return nil, t.p.wrong("%v", err)
		}
		if seen[st.key] {
			return nil, t.p.wrong("Transaction statements can not include multiple operations on one item")
		}
		st.returnsOld = s.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld
		seen[st.key], statements[i], items[i] = true, st, st.key
	}
	if n := len(statements); n == 0 || n > mostStatements {
		return nil, t.p.wrong("%d statements", n)
	}
	out := &awsdynamodb.BatchExecuteStatementOutput{}
	err := t.do(ctx, "write", items, optFns, func(r *rand.Rand) error {
		out.Responses = make([]types.BatchStatementResponse, len(statements))
		for _, i := range sorted(items) {
			out.Responses[i] = t.carryOut(r, statements[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t Table) carryOut(r *rand.Rand, st statement) (response types.BatchStatementResponse) {
	c := t.p.Cloud
	if c.Weather.Strikes(r, ItemBusy) {
		codes := []types.BatchStatementErrorCodeEnum{
			types.BatchStatementErrorCodeEnumThrottlingError, types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded,
			types.BatchStatementErrorCodeEnumInternalServerError, types.BatchStatementErrorCodeEnumTransactionConflict,
		}
		c.Log.Add(history.Event{Actor: t.p.Name, Kind: history.Fault, Task: idOf(st.key), Text: string(ItemBusy)})
		response.Error = &types.BatchStatementError{Code: codes[r.IntN(len(codes))], Message: new("simulated")}
		return response
	}
	var now item
	if row := c.rows[st.key]; row != nil {
		now = row.now
	}
	switch {
	case st.insert != nil && now != nil:
		response.Error = &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumDuplicateItem}
	case st.insert != nil:
		c.set(t.p.Name, st.key, st.insert)
	case !st.holds(now):
		response.Error = &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumConditionalCheckFailed}
		if st.returnsOld {
			response.Error.Item = copyOf(now)
		}
	default:
		next := copyOf(now)
		for _, a := range st.set {
			if next[a.name] = a.value; a.value == nil {
				delete(next, a.name)
			}
		}
		c.set(t.p.Name, st.key, next)
		if st.returnsNew {
			response.Item = copyOf(next)
		}
	}
	return response
}

// opRead is the operation of [Table.BatchGetItem].
const opRead = "read"

// BatchGetItem reads rows.
func (t Table) BatchGetItem(ctx context.Context, in *awsdynamodb.BatchGetItemInput, optFns ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchGetItemOutput, error) {
	var name string
	var asked types.KeysAndAttributes
	for name, asked = range in.RequestItems { // one table
		break
	}
	fresh := asked.ConsistentRead != nil && *asked.ConsistentRead
	items := make([]string, len(asked.Keys))
	seen := map[string]bool{}
	for i, key := range asked.Keys {
		items[i] = keyValue(key["id"])
		if seen[items[i]] {
			return nil, t.p.wrong("Provided list of item keys contains duplicates")
		}
		seen[items[i]] = true
	}
	if n := len(items); n == 0 || n > mostKeys {
		return nil, t.p.wrong("%d keys", n)
	}
	out := &awsdynamodb.BatchGetItemOutput{}
	err := t.do(ctx, opRead, items, optFns, func(r *rand.Rand) error {
		found, left := t.find(r, items, fresh)
		out.Responses = map[string][]item{name: found}
		if len(left) > 0 {
			out.UnprocessedKeys = map[string]types.KeysAndAttributes{name: {Keys: left}}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// find returns the rows of keys, and the keys that it leaves for another call.
func (t Table) find(r *rand.Rand, keys []string, fresh bool) (found, left []item) {
	c := t.p.Cloud
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if c.Weather.Strikes(r, LeftOut) {
			left = append(left, item{"id": &types.AttributeValueMemberB{Value: []byte(key)}})
			continue
		}
		row := c.rows[key]
		if row == nil {
			continue
		}
		is := row.now
		if !fresh && c.Weather.Strikes(r, Stale) {
			is = row.at(time.Now().Add(-between(r, 0, staleFor)))
		}
		if is != nil {
			found = append(found, copyOf(is))
		}
	}
	return found, left
}

// DescribeTable says that there is the table.
func (t Table) DescribeTable(ctx context.Context, in *awsdynamodb.DescribeTableInput, optFns ...func(*awsdynamodb.Options)) (*awsdynamodb.DescribeTableOutput, error) {
	err := t.do(ctx, "describe", nil, optFns, func(*rand.Rand) error { return nil })
	if err != nil {
		return nil, err
	}
	return &awsdynamodb.DescribeTableOutput{Table: &types.TableDescription{
		TableName: in.TableName, TableStatus: types.TableStatusActive,
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeB}},
	}}, nil
}
