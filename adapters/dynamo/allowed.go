package dynamo

import (
	"context"
	"crypto/rand"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// MayUpdate asks whether the credentials may write to the table, by an update of a
// record that is not there, which never makes one. ErrRefused: they may not.
// ErrUnavailable, ErrInvalid.
func (s *Store) MayUpdate(ctx context.Context) error {
	nobody := make([]byte, len(key{}))
	_, _ = rand.Read(nobody) // never fails
	in := &awsdynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{
		Statement:  new("UPDATE " + quote(s.table) + " SET w = ? WHERE id = ? AND attribute_exists(id)"),
		Parameters: []types.AttributeValue{&types.AttributeValueMemberB{Value: nobody}, &types.AttributeValueMemberB{Value: nobody}},
	}}}
	w := &wire{}
	out, err := s.api.BatchExecuteStatement(ctx, in, w.watch)
	if err != nil {
		return s.callFailed(ctx, opSave, err, w)
	}
	if len(out.Responses) != len(in.Statements) {
		return s.refused(opSave, port.ErrUnavailable, "the answer does not mention the record")
	}
	if e := out.Responses[0].Error; e != nil && e.Code != types.BatchStatementErrorCodeEnumConditionalCheckFailed {
		return s.itemFailed(opSave, e)
	}
	return nil
}
