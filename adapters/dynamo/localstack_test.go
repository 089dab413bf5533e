package dynamo_test

import (
	"context"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// features are those of this adapter, on LocalStack as on AWS.
func features() goflowtest.StoreFeatures {
	return goflowtest.StoreFeatures{
		MaxRecordBytes:    400 << 10,
		RefusesForeignIDs: true,
		Checker:           true,
		Slack:             3 * time.Second,
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	table := provisioned(t, client)
	goflowtest.TestStore(t, goflowtest.RealTime, features(), func(t *testing.T) port.Store {
		t.Helper()
		return dynamo.New(client, table)
	})
}

// provisioned makes a table that ends with the test.
func provisioned(t *testing.T, client *awsdynamodb.Client) string {
	t.Helper()
	table := localstack.Name(t)
	require.NoError(t, dynamo.Provision(t.Context(), client, table))
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &awsdynamodb.DeleteTableInput{TableName: &table})
		require.NoError(t, err)
	})
	return table
}
