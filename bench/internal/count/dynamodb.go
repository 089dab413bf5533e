package count

import (
	"encoding/json"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/jamesTait-jt/goflow/adapters/cost"
)

// askForCapacity has DynamoDB say what a call consumes. Nobody checks the signature
// here, and the answer's field is one that every client knows.
func askForCapacity(request []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(request, &fields) != nil {
		return request
	}
	if _, item := fields["TableName"]; !item && fields["RequestItems"] == nil {
		return request
	}
	fields["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
	asking, err := json.Marshal(fields)
	if err != nil {
		return request
	}
	return asking
}

type capacity struct {
	Units float64 `json:"CapacityUnits"`
}

// reported is what DynamoDB says that a call consumed, for one table or for several.
func reported(answer []byte) (units float64) {
	var one struct {
		Consumed capacity `json:"ConsumedCapacity"`
	}
	if json.Unmarshal(answer, &one) == nil {
		return one.Consumed.Units
	}
	var several struct {
		Consumed []capacity `json:"ConsumedCapacity"`
	}
	_ = json.Unmarshal(answer, &several) // what is neither consumed nothing
	for _, c := range several.Consumed {
		units += c.Units
	}
	return units
}

// placeholder is a parameter of a statement, and the name before it.
var placeholder = regexp.MustCompile(`(\w+)['"]?\s*[:=<>]+\s*\?`)

type statement struct {
	Text       string      `json:"Statement"`
	Parameters []attribute `json:"Parameters"`
}

// given are the attributes that a statement has values for.
func (s statement) given() map[string]types.AttributeValue {
	given := map[string]types.AttributeValue{}
	for i, name := range placeholder.FindAllStringSubmatch(s.Text, -1) {
		if i < len(s.Parameters) {
			given[name[1]] = s.Parameters[i].value()
		}
	}
	return given
}

type response struct {
	Error struct {
		Code string               `json:"Code"`
		Item map[string]attribute `json:"Item"`
	} `json:"Error"`
	Item map[string]attribute `json:"Item"`
}

// statements are all writes, whose units DynamoDB Local does not report. They are
// computed from what each statement gives, or from the item that it found.
func statements(request, answer []byte) (u cost.Usage) {
	var asked struct {
		Statements []statement `json:"Statements"`
	}
	var got struct {
		Responses []response `json:"Responses"`
	}
	if json.Unmarshal(request, &asked) != nil || json.Unmarshal(answer, &got) != nil {
		return u
	}
	for i, s := range asked.Statements[:min(len(asked.Statements), len(got.Responses))] {
		found := got.Responses[i]
		switch found.Error.Code {
		case "", "ConditionalCheckFailed", "DuplicateItem": // a failed condition is charged, too
			u.WriteUnits += cost.WriteUnits(max(cost.ItemSize(s.given()), cost.ItemSize(values(found.Item)), cost.ItemSize(values(found.Error.Item))))
		}
	}
	return u
}

// attribute is a value as it is on the wire; JSON has bytes in base64.
type attribute struct {
	S *string              `json:"S"`
	N *string              `json:"N"`
	B []byte               `json:"B"`
	M map[string]attribute `json:"M"`
	L []attribute          `json:"L"`
}

func (a attribute) value() types.AttributeValue {
	switch {
	case a.S != nil:
		return &types.AttributeValueMemberS{Value: *a.S}
	case a.N != nil:
		return &types.AttributeValueMemberN{Value: *a.N}
	case a.M != nil:
		return &types.AttributeValueMemberM{Value: values(a.M)}
	case a.L != nil:
		list := make([]types.AttributeValue, len(a.L))
		for i := range a.L {
			list[i] = a.L[i].value()
		}
		return &types.AttributeValueMemberL{Value: list}
	}
	return &types.AttributeValueMemberB{Value: a.B}
}

func values(item map[string]attribute) map[string]types.AttributeValue {
	all := map[string]types.AttributeValue{}
	for name, a := range item {
		all[name] = a.value()
	}
	return all
}
