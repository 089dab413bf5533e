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

type capacity struct{ CapacityUnits float64 }

// reported is what DynamoDB says that a call consumed, for one table or for several.
func reported(answer []byte) (units float64) {
	var one struct{ ConsumedCapacity capacity }
	if json.Unmarshal(answer, &one) == nil {
		return one.ConsumedCapacity.CapacityUnits
	}
	var several struct{ ConsumedCapacity []capacity }
	_ = json.Unmarshal(answer, &several) // what is neither consumed nothing
	for _, c := range several.ConsumedCapacity {
		units += c.CapacityUnits
	}
	return units
}

// placeholder is a parameter of a statement, and the name before it.
var placeholder = regexp.MustCompile(`(\w+)['"]?\s*[:=<>]+\s*\?`) //nolint:gochecknoglobals // a constant

// statements are all writes, whose units DynamoDB Local does not report. They are
// computed from what each statement gives, or from the item that it found.
func statements(request, answer []byte) (u cost.Usage) {
	var asked struct {
		Statements []struct {
			Statement  string
			Parameters []attribute
		}
	}
	var got struct {
		Responses []struct {
			Error struct {
				Code string
				Item map[string]attribute
			}
			Item map[string]attribute
		}
	}
	if json.Unmarshal(request, &asked) != nil || json.Unmarshal(answer, &got) != nil {
		return u
	}
	for i, response := range got.Responses {
		given := map[string]types.AttributeValue{}
		for n, name := range placeholder.FindAllStringSubmatch(asked.Statements[i].Statement, -1) {
			if n < len(asked.Statements[i].Parameters) {
				given[name[1]] = asked.Statements[i].Parameters[n].value()
			}
		}
		switch response.Error.Code {
		case "":
			u.WriteUnits += cost.WriteUnits(max(cost.ItemSize(given), cost.ItemSize(values(response.Item))))
		case "ConditionalCheckFailed", "DuplicateItem":
			u.WriteUnits += cost.WriteUnits(cost.ItemSize(values(response.Error.Item)))
		}
	}
	return u
}

// attribute is a value as it is on the wire; JSON has bytes in base64.
type attribute struct {
	S, N *string
	B    []byte
	M    map[string]attribute
	L    []attribute
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
