package cost

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	writeUnit = 1 << 10
	readUnit  = 4 << 10

	nested  = 3 // bytes that a list or map has besides its elements
	element = 1 // bytes that each element has besides its value
)

// WriteUnits is how many write request units one write of an item of this size
// takes: one for each 1,024 bytes begun, and one at least. An update is charged for
// the larger of the old and the new item, a delete for the old one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func WriteUnits(size int) float64 { return float64(max(1, ceil(size, writeUnit))) }

// ReadUnits is how many read request units reading one item takes: one for each
// 4,096 bytes begun, one at least, also where there is no such item; half of
// that where the read is not strongly consistent.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func ReadUnits(size int, strong bool) float64 {
	units := float64(max(1, ceil(size, readUnit)))
	if strong {
		return units
	}
	return units / 2
}

// ItemSize is how many bytes DynamoDB counts for an item: names and values, a
// binary value as its raw bytes, a number by its significant digits, which AWS
// says is approximate. The 100 bytes that stored items have besides are no part.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func ItemSize(item map[string]types.AttributeValue) int {
	size := 0
	for name, v := range item {
		size += len(name) + valueSize(v)
	}
	return size
}

func valueSize(v types.AttributeValue) (size int) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		return sum(v.Value, func(s string) int { return len(s) })
	case *types.AttributeValueMemberNS:
		return sum(v.Value, numberSize)
	case *types.AttributeValueMemberBS:
		return sum(v.Value, func(b []byte) int { return len(b) })
	case *types.AttributeValueMemberL:
		return nested + element*len(v.Value) + sum(v.Value, valueSize)
	case *types.AttributeValueMemberM:
		return nested + element*len(v.Value) + ItemSize(v.Value)
	}
	return 1 // a null or a Boolean
}

func sum[T any](values []T, size func(T) int) (n int) {
	for _, v := range values {
		n += size(v)
	}
	return n
}

// numberSize is a byte, one for each two digits that are not zeros at the ends,
// counted from the decimal point, and one for a minus. AWS says no more than that
// it is about this; DynamoDB Local does exactly this.
func numberSize(n string) int {
	digits, minus := strings.CutPrefix(n, "-")
	digits, _, _ = strings.Cut(strings.ToLower(digits), "e")
	whole, fraction, _ := strings.Cut(digits, ".")
	pairs := strings.Repeat("0", len(whole)%2) + whole + fraction + strings.Repeat("0", len(fraction)%2)
	for strings.HasPrefix(pairs, "00") {
		pairs = pairs[2:]
	}
	for strings.HasSuffix(pairs, "00") {
		pairs = pairs[:len(pairs)-2]
	}
	size := 1 + len(pairs)/2
	if minus {
		size++
	}
	return size
}
