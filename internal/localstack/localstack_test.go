package localstack_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localstack"
)

// ended records how a helper ended the test that called it.
type ended struct {
	testing.TB

	how string
}

func (*ended) Helper()        {}
func (e *ended) Skip(...any)  { e.stop("skip") }
func (e *ended) Fatal(...any) { e.stop("fatal") }

// stop leaves the helper as the real Skip and Fatal do.
func (e *ended) stop(how string) {
	e.how = how
	panic(e)
}

func ending(t *testing.T) string {
	t.Helper()

	e := &ended{TB: t}
	require.PanicsWithValue(t, e, func() { localstack.Config(e) })

	return e.how
}

func TestConfigSkipsWithoutEndpoint(t *testing.T) {
	t.Setenv("GOFLOW_TEST_ENDPOINT", "")
	t.Setenv("GOFLOW_TEST_REQUIRE", "docker")

	require.Equal(t, "skip", ending(t))
}

func TestConfigFailsWithoutEndpointWhereRequired(t *testing.T) {
	t.Setenv("GOFLOW_TEST_ENDPOINT", "")
	t.Setenv("GOFLOW_TEST_REQUIRE", "docker,localstack")

	require.Equal(t, "fatal", ending(t))
}

func TestConfigIgnoresTheEnvironmentOfAWS(t *testing.T) {
	t.Setenv("GOFLOW_TEST_ENDPOINT", "http://127.0.0.1:4567")
	t.Setenv("AWS_ENDPOINT_URL", "https://sqs.eu-west-1.amazonaws.com")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "real")

	config := localstack.Config(t)
	require.Equal(t, "us-east-1", config.Region)
	require.Equal(t, "http://127.0.0.1:4567", *config.BaseEndpoint)

	credentials, err := config.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.Equal(t, "test", credentials.AccessKeyID)
	require.Equal(t, "test", credentials.SecretAccessKey)
}

func TestNameIsValidAndFresh(t *testing.T) {
	t.Parallel()

	t.Run("with a long title, spaces / slashes and ünicode in it", func(t *testing.T) {
		t.Parallel()

		name := localstack.Name(t)
		require.Regexp(t, `^TestNameIsValidAndFresh-[A-Za-z0-9_-]{1,36}$`, name)
		require.NotEqual(t, name, localstack.Name(t))
	})
}

func TestFastServersHaveVariablesAndRequirementsOfTheirOwn(t *testing.T) {
	t.Setenv("GOFLOW_TEST_ENDPOINT", "http://127.0.0.1:1")
	for variable, c := range map[string]struct {
		config func(testing.TB) aws.Config
		name   string
	}{
		"GOFLOW_TEST_ELASTICMQ": {localstack.ElasticMQ, "elasticmq"},
		"GOFLOW_TEST_DYNAMODB":  {localstack.DynamoDBLocal, "dynamodb"},
	} {
		t.Setenv(variable, "")
		for required, how := range map[string]string{"localstack": "skip", c.name: "fatal"} {
			t.Setenv("GOFLOW_TEST_REQUIRE", required)
			e := &ended{TB: t}
			require.PanicsWithValue(t, e, func() { c.config(e) })
			require.Equal(t, how, e.how, "%s while %s is required", variable, required)
		}
		t.Setenv(variable, "http://127.0.0.1:2")
		require.Equal(t, "http://127.0.0.1:2", *c.config(t).BaseEndpoint)
	}
}
