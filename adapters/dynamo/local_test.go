package dynamo_test

import (
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// TestStoreOnDynamoDBLocal is TestStore without LocalStack in between.
func TestStoreOnDynamoDBLocal(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.DynamoDBLocal(t))
	table := provisioned(t, client)
	goflowtest.TestStore(t, goflowtest.RealTime, features(), func(t *testing.T) port.Store {
		t.Helper()
		return dynamo.New(client, table)
	})
}
