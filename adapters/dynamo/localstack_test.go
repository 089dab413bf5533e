package dynamo_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
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

func TestProvisionTurnsTimeToLiveOnAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	table := provisioned(t, client)
	require.NoError(t, dynamo.Provision(t.Context(), client, table))
	require.NoError(t, dynamo.New(client, table).Check(t.Context()))
	out, err := client.DescribeTimeToLive(t.Context(), &awsdynamodb.DescribeTimeToLiveInput{TableName: &table})
	require.NoError(t, err)
	require.Equal(t, types.TimeToLiveStatusEnabled, out.TimeToLiveDescription.TimeToLiveStatus)
	require.Equal(t, "t", *out.TimeToLiveDescription.AttributeName)
}

func TestTableWithAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	table := localstack.Name(t)
	_, err := client.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &awsdynamodb.DeleteTableInput{TableName: &table})
		require.NoError(t, err)
	})
	for name, err := range map[string]error{
		"Check": dynamo.New(client, table).Check(t.Context()), "Provision": dynamo.Provision(t.Context(), client, table),
	} {
		requireClass(t, err, port.ErrRefused, name)
		require.ErrorContains(t, err, "its key must be the binary attribute id alone")
	}
}

func TestMissingTableIsRefusedInOneLine(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	for name, err := range allCalls(t.Context(), dynamo.New(client, "no-such-table")) {
		requireClass(t, err, port.ErrRefused, name)
		require.ErrorContains(t, err, "no-such-table: refused: ResourceNotFound", name)
		require.ErrorContains(t, err, "create it with goflow provision", name)
	}
}

func TestUnreachableEndpointIsUnavailableInOneLine(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	client := awsdynamodb.New(awsdynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &closed.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for name, err := range allCalls(t.Context(), dynamo.New(client, "tasks")) {
		requireClass(t, err, port.ErrUnavailable, name)
		require.ErrorContains(t, err, "no answer from "+closed.URL+": connection refused", name)
	}
}

// TestClaimThatASaveHasEndedIsNotRenewed: a keeper that comes late must not
// block the retry.
func TestClaimThatASaveHasEndedIsNotRenewed(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	s := dynamo.New(client, provisioned(t, client), dynamo.ClaimSlack(0))
	claim := port.Claim{ID: id(1), Generation: 1, Token: "token", For: time.Minute}
	rec, err := claimOne(t, s, claim)
	require.NoError(t, err)
	repeated := claim
	repeated.For = time.Hour
	again, err := claimOne(t, s, repeated)
	require.NoError(t, err)
	require.Equal(t, rec.Epoch, again.Epoch)
	require.Greater(t, again.LeaseEnd.Sub(rec.LeaseEnd), 50*time.Minute, "the same claim, taken again, lasts from now on")
	require.NoError(t, saveOne(t, s, rec), "says nothing new")
	recs, err := s.Load(t.Context(), []string{rec.ID}, true)
	require.NoError(t, err)
	require.True(t, recs[0].LeaseEnd.IsZero(), "but ends the claim")
	claim.Epoch = rec.Epoch
	_, err = claimOne(t, s, claim)
	require.ErrorIs(t, err, port.ErrFenced)
	gone := claim
	gone.ID = id(2)
	_, err = claimOne(t, s, gone)
	require.ErrorIs(t, err, port.ErrFenced, "there is no record at all")
}

// TestEveryStatementIsTaken writes each form of a statement over a row that has
// every attribute, and over one that has the fewest.
func TestEveryStatementIsTaken(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	s := dynamo.New(client, provisioned(t, client), dynamo.ClaimSlack(0))
	full := port.Record{
		ID: id(1), State: task.Dead, Generation: 1, Attempts: 5, GiveBacks: 4, Starts: 1, Epoch: 9,
		Result: []byte("r"), Error: "x", Hash: []byte("p"), Expires: time.Now().Add(time.Hour),
	}
	bare := port.Record{ID: id(2), State: task.Dead, Generation: 1}
	for _, rec := range []port.Record{full, bare} {
		require.NoError(t, saveOne(t, s, rec))
		require.NoError(t, s.Reopen(t.Context(), []port.Record{rec}))
		rec.Generation, rec.State, rec.Epoch, rec.GiveBacks = 2, task.Open, 0, 7
		require.NoError(t, saveOne(t, s, rec))
		got, err := claimOne(t, s, port.Claim{ID: rec.ID, Generation: 2, Token: "a", For: time.Millisecond})
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Epoch)
		require.Eventually(t, func() bool { return time.Now().After(got.LeaseEnd) }, time.Second, time.Millisecond)
		got, err = claimOne(t, s, port.Claim{ID: rec.ID, Generation: 2, Token: "b", For: time.Minute})
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Epoch)
		got, err = claimOne(t, s, port.Claim{ID: rec.ID, Generation: 3, Token: "c", For: time.Minute})
		require.NoError(t, err, "a claim of a later generation replaces an open record")
		require.Equal(t, []int{3, 0}, []int{got.Generation, got.GiveBacks})
	}
}

// TestReopenBringsNothingBackThatIsOver: not even with a new expiry.
func TestReopenBringsNothingBackThatIsOver(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	s := dynamo.New(client, provisioned(t, client))
	rec := port.Record{ID: id(1), State: task.Dead, Generation: 1, Expires: time.Now().Add(-time.Minute)}
	require.NoError(t, saveOne(t, s, rec))
	rec.Expires = time.Now().Add(time.Hour)
	require.NoError(t, s.Reopen(t.Context(), []port.Record{rec}))
	recs, err := s.Load(t.Context(), []string{rec.ID}, true)
	require.NoError(t, err)
	require.Equal(t, []port.Record{{ID: rec.ID}}, recs)
}

// TestErrorThatIsNoTextIsKeptAsText: to save it again is still the same outcome.
func TestErrorThatIsNoTextIsKeptAsText(t *testing.T) {
	t.Parallel()
	client := awsdynamodb.NewFromConfig(localstack.Config(t))
	s := dynamo.New(client, provisioned(t, client))
	rec := port.Record{ID: id(1), State: task.Dead, Generation: 1, Error: "bad \xff byte"}
	require.NoError(t, saveOne(t, s, rec))
	require.NoError(t, saveOne(t, s, rec))
	recs, err := s.Load(t.Context(), []string{rec.ID}, true)
	require.NoError(t, err)
	require.Equal(t, "bad \uFFFD byte", recs[0].Error)
}
