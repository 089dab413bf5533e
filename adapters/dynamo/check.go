package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// Check describes the table. ErrRefused: there is none, its key is not the
// binary id alone, or the credentials are wrong or may not read it.
// ErrUnavailable: it is not active yet, or can't be reached. A table without
// time to live works as well, though it keeps every record for ever, so that is
// no error; only Provision looks at it. The answer tells the service's time, by which
// claims are made.
func (s *Store) Check(ctx context.Context) error {
	w, start := &wire{}, time.Now()
	out, err := s.api.DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: &s.table}, w.watch)
	if err != nil {
		return s.callFailed(ctx, opCheck, err, w)
	}
	s.learnSkew(out.ResultMetadata, start)
	switch {
	case out.Table == nil || !hasKey(out.Table):
		return s.refused(opCheck, port.ErrRefused,
			"its key must be the binary attribute id alone, with time to live on t; make another table with goflow provision")
	case !active(out.Table.TableStatus):
		return s.refused(opCheck, port.ErrUnavailable, fmt.Sprintf("the table is %s; try again in a minute", out.Table.TableStatus))
	}
	return nil
}

// active reports whether a table in this state serves requests.
func active(status types.TableStatus) bool {
	return status == types.TableStatusActive || status == types.TableStatusUpdating
}

func hasKey(t *types.TableDescription) bool {
	if len(t.KeySchema) != 1 || aws.ToString(t.KeySchema[0].AttributeName) != "id" {
		return false
	}
	for _, a := range t.AttributeDefinitions {
		if aws.ToString(a.AttributeName) == "id" {
			return a.AttributeType == types.ScalarAttributeTypeB
		}
	}
	return false
}
