package cost

import (
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

type item = map[string]types.AttributeValue

// askingForCapacity returns an input that asks for the capacity that its call
// consumes; the caller's own is left alone.
func askingForCapacity(input any) any {
	switch in := input.(type) {
	case *awsdynamodb.GetItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.BatchGetItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.PutItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.UpdateItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.DeleteItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.BatchWriteItemInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	case *awsdynamodb.BatchExecuteStatementInput:
		asking := *in
		asking.ReturnConsumedCapacity = total(in.ReturnConsumedCapacity)
		return &asking
	}
	return input
}

// total keeps what the caller asks for, if it is anything.
func total(asked types.ReturnConsumedCapacity) types.ReturnConsumedCapacity {
	if asked == "" || asked == types.ReturnConsumedCapacityNone {
		return types.ReturnConsumedCapacityTotal
	}
	return asked
}

// dynamoBill takes the service's own figure where it gives one, and a computed one
// elsewhere.
func dynamoBill(input, output any, err error) bill {
	if _, refused := errors.AsType[smithy.APIError](err); refused {
		return refusedBill(input, err)
	}
	switch in := input.(type) {
	case *awsdynamodb.GetItemInput:
		out := answer[awsdynamodb.GetItemOutput](output)
		return reading(units(out.ConsumedCapacity), ReadUnits(ItemSize(out.Item), aws.ToBool(in.ConsistentRead)))
	case *awsdynamodb.BatchGetItemInput:
		out := answer[awsdynamodb.BatchGetItemOutput](output)
		return reading(allUnits(out.ConsumedCapacity), batchReadUnits(in, out))
	case *awsdynamodb.PutItemInput:
		out := answer[awsdynamodb.PutItemOutput](output)
		return writing(units(out.ConsumedCapacity), largest(written(in), out.Attributes))
	case *awsdynamodb.UpdateItemInput:
		out := answer[awsdynamodb.UpdateItemOutput](output)
		return writing(units(out.ConsumedCapacity), largest(written(in), out.Attributes))
	case *awsdynamodb.DeleteItemInput:
		out := answer[awsdynamodb.DeleteItemOutput](output)
		return writing(units(out.ConsumedCapacity), largest(written(in), out.Attributes))
	case *awsdynamodb.BatchWriteItemInput:
		out := answer[awsdynamodb.BatchWriteItemOutput](output)
		return writing(allUnits(out.ConsumedCapacity), batchWriteUnits(in.RequestItems)-batchWriteUnits(out.UnprocessedItems))
	case *awsdynamodb.BatchExecuteStatementInput:
		out := answer[awsdynamodb.BatchExecuteStatementOutput](output)
		return statementsBill(in.Statements, out.Responses, allUnits(out.ConsumedCapacity))
	}
	return bill{}
}

// refusedBill: a write whose condition failed is charged as if it had not, and nothing
// else that is refused is.
func refusedBill(input any, err error) bill {
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	made := written(input)
	if !ok || made == nil {
		return bill{}
	}
	return bill{write: largest(made, failed.Item)}
}

// written is the item that a write of one makes, as far as that is known; nil of any
// other call.
func written(input any) item {
	switch in := input.(type) {
	case *awsdynamodb.PutItemInput:
		return in.Item
	case *awsdynamodb.UpdateItemInput:
		return merged(in.Key, in.ExpressionAttributeValues)
	case *awsdynamodb.DeleteItemInput:
		return in.Key
	}
	return nil
}

// reading: an answer has all that was read, less the attributes not asked for, and
// an emulator leaves out what was missing.
func reading(reported, computed float64) bill { return bill{read: max(reported, computed)} }

func writing(reported, computed float64) bill {
	if reported > 0 {
		return bill{write: reported}
	}
	return bill{write: computed}
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

func allUnits(all []types.ConsumedCapacity) (n float64) {
	for i := range all {
		n += units(&all[i])
	}
	return n
}

func largest(a, b item) float64 { return WriteUnits(max(ItemSize(a), ItemSize(b))) }

// merged is about what an update leaves: its key, and all values it mentions.
func merged(key, values item) item {
	all := maps.Clone(values)
	if all == nil {
		return key
	}
	maps.Copy(all, key)
	return all
}

func batchReadUnits(in *awsdynamodb.BatchGetItemInput, out *awsdynamodb.BatchGetItemOutput) (n float64) {
	for table, asked := range in.RequestItems {
		strong := aws.ToBool(asked.ConsistentRead)
		missing := len(asked.Keys) - len(out.UnprocessedKeys[table].Keys) - len(out.Responses[table])
		n += float64(missing) * ReadUnits(0, strong)
		for _, found := range out.Responses[table] {
			n += ReadUnits(ItemSize(found), strong)
		}
	}
	return n
}

func batchWriteUnits(tables map[string][]types.WriteRequest) (n float64) {
	for _, requests := range tables {
		for _, r := range requests {
			if r.PutRequest == nil {
				n += WriteUnits(0)
				continue
			}
			n += WriteUnits(ItemSize(r.PutRequest.Item))
		}
	}
	return n
}
