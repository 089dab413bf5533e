package cost

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// statementsBill is that of a batch, whose statements all read or all write. Each
// is charged on its own.
func statementsBill(statements []types.BatchStatementRequest, answers []types.BatchStatementResponse, reported float64) bill {
	var reads, writes float64
	for i := range statements {
		var got types.BatchStatementResponse
		if i < len(answers) {
			got = answers[i]
		}
		if selects(&statements[i]) {
			reads += selectUnits(&statements[i], &got)
			continue
		}
		writes += statementUnits(&statements[i], &got)
	}
	if reads > 0 {
		return reading(reported, reads)
	}
	return writing(reported, writes)
}

func selects(st *types.BatchStatementRequest) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(aws.ToString(st.Statement))), "SELECT")
}

func selectUnits(st *types.BatchStatementRequest, got *types.BatchStatementResponse) float64 {
	if got.Error != nil {
		return 0
	}
	return ReadUnits(ItemSize(got.Item), aws.ToBool(st.ConsistentRead))
}

// statementUnits is of one that writes: by the item that it makes as far as that
// is known, or by the one that it found if that is larger, also where its condition
// failed. Of an UPDATE that returns none, what it leaves as it is is not known.
func statementUnits(st *types.BatchStatementRequest, got *types.BatchStatementResponse) float64 {
	found := got.Item
	if got.Error != nil {
		if c := got.Error.Code; c != types.BatchStatementErrorCodeEnumConditionalCheckFailed && c != types.BatchStatementErrorCodeEnumDuplicateItem {
			return 0
		}
		found = got.Error.Item
	}
	return largest(given(aws.ToString(st.Statement), st.Parameters), found)
}

// given are the attributes that a statement gives values to by parameters, and its
// key: 'name': ? of an INSERT, SET name = ? of an UPDATE, and the first condition.
// Literals are not looked at.
func given(text string, params []types.AttributeValue) item {
	found := item{}
	where := false
	for _, value := range params {
		part, rest, ok := strings.Cut(text, "?")
		if !ok || where {
			break
		}
		where = strings.Contains(part, " WHERE ")
		found[lastName(part)] = value
		text = rest
	}
	return found
}

// lastName is the name before an operator, without its quotes.
func lastName(part string) string {
	words := strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(` '":=<>{},()`, r) })
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}
