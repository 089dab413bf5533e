package wire

import (
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// statements decodes a BatchExecuteStatementInput.
func statements(body []byte) (*awsdynamodb.BatchExecuteStatementInput, error) {
	in, err := strict[struct {
		ReturnConsumedCapacity types.ReturnConsumedCapacity
		Statements             []struct {
			Statement                           *string
			ConsistentRead                      *bool
			Parameters                          []value
			ReturnValuesOnConditionCheckFailure types.ReturnValuesOnConditionCheckFailure
		}
	}](body)
	if err != nil {
		return nil, err
	}
	out := &awsdynamodb.BatchExecuteStatementInput{ReturnConsumedCapacity: in.ReturnConsumedCapacity}
	for _, st := range in.Statements {
		out.Statements = append(out.Statements, types.BatchStatementRequest{
			Statement: st.Statement, ConsistentRead: st.ConsistentRead, Parameters: list(st.Parameters),
			ReturnValuesOnConditionCheckFailure: st.ReturnValuesOnConditionCheckFailure,
		})
	}
	return out, nil
}

// keys decodes a BatchGetItemInput.
func keys(body []byte) (*awsdynamodb.BatchGetItemInput, error) {
	in, err := strict[struct {
		ReturnConsumedCapacity types.ReturnConsumedCapacity
		RequestItems           map[string]struct {
			ConsistentRead           *bool
			ExpressionAttributeNames map[string]string
			Keys                     []map[string]value
			ProjectionExpression     *string
		}
	}](body)
	if err != nil {
		return nil, err
	}
	items := make(map[string]types.KeysAndAttributes, len(in.RequestItems))
	for table, of := range in.RequestItems {
		wanted := types.KeysAndAttributes{
			ConsistentRead: of.ConsistentRead, ExpressionAttributeNames: of.ExpressionAttributeNames,
			ProjectionExpression: of.ProjectionExpression,
		}
		for _, key := range of.Keys {
			wanted.Keys = append(wanted.Keys, item(key))
		}
		items[table] = wanted
	}
	return &awsdynamodb.BatchGetItemInput{RequestItems: items, ReturnConsumedCapacity: in.ReturnConsumedCapacity}, nil
}

// value is an attribute value that can be decoded.
type value struct{ types.AttributeValue }

// UnmarshalJSON takes the one type that a value has. As in the service, none or
// several are a ValidationException.
func (v *value) UnmarshalJSON(body []byte) error {
	in, err := strict[struct {
		B          *[]byte
		S, N       *string
		BOOL, NULL *bool
		BS         [][]byte
		SS, NS     []string
		L          []value
		M          map[string]value
	}](body)
	if err != nil {
		return err
	}
	var found []types.AttributeValue
	add := func(there bool, is func() types.AttributeValue) {
		if there {
			found = append(found, is())
		}
	}
	add(in.B != nil, func() types.AttributeValue { return &types.AttributeValueMemberB{Value: *in.B} })
	add(in.S != nil, func() types.AttributeValue { return &types.AttributeValueMemberS{Value: *in.S} })
	add(in.N != nil, func() types.AttributeValue { return &types.AttributeValueMemberN{Value: *in.N} })
	add(in.BOOL != nil, func() types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: *in.BOOL} })
	add(in.NULL != nil, func() types.AttributeValue { return &types.AttributeValueMemberNULL{Value: *in.NULL} })
	add(in.BS != nil, func() types.AttributeValue { return &types.AttributeValueMemberBS{Value: in.BS} })
	add(in.SS != nil, func() types.AttributeValue { return &types.AttributeValueMemberSS{Value: in.SS} })
	add(in.NS != nil, func() types.AttributeValue { return &types.AttributeValueMemberNS{Value: in.NS} })
	add(in.L != nil, func() types.AttributeValue { return &types.AttributeValueMemberL{Value: list(in.L)} })
	add(in.M != nil, func() types.AttributeValue { return &types.AttributeValueMemberM{Value: item(in.M)} })
	if len(found) != 1 {
		return &smithy.GenericAPIError{
			Code: "ValidationException", Message: "Supplied AttributeValue must contain exactly one of the supported datatypes",
		}
	}
	v.AttributeValue = found[0]
	return nil
}

func list(values []value) []types.AttributeValue {
	var out []types.AttributeValue
	for _, v := range values {
		out = append(out, v.AttributeValue)
	}
	return out
}

func item(values map[string]value) map[string]types.AttributeValue {
	out := make(map[string]types.AttributeValue, len(values))
	for name, v := range values {
		out[name] = v.AttributeValue
	}
	return out
}
