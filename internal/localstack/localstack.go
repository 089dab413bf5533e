// Package localstack gives tests a configuration for a LocalStack, and never for real AWS.
package localstack

import (
	"crypto/rand"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config returns the configuration of clients for the LocalStack at GOFLOW_TEST_ENDPOINT. Without that variable it skips
// the test, or fails it where the comma-separated GOFLOW_TEST_REQUIRE names localstack.
func Config(t testing.TB) aws.Config {
	t.Helper()

	return at(t, "GOFLOW_TEST_ENDPOINT", "localstack", "names no LocalStack: run localstack/up, or make test")
}

// ElasticMQ is Config for the ElasticMQ at GOFLOW_TEST_ELASTICMQ, which is elasticmq in GOFLOW_TEST_REQUIRE.
func ElasticMQ(t testing.TB) aws.Config {
	t.Helper()

	return at(t, "GOFLOW_TEST_ELASTICMQ", "elasticmq", "names no ElasticMQ: run localstack/fast/up, or make test")
}

// DynamoDBLocal is Config for the DynamoDB Local at GOFLOW_TEST_DYNAMODB, which is dynamodb in GOFLOW_TEST_REQUIRE.
func DynamoDBLocal(t testing.TB) aws.Config {
	t.Helper()

	return at(t, "GOFLOW_TEST_DYNAMODB", "dynamodb", "names no DynamoDB Local: run localstack/fast/up, or make test")
}

// at is the configuration for what listens at the endpoint that the variable holds.
func at(t testing.TB, variable, requirement, reason string) aws.Config {
	t.Helper()

	endpoint := os.Getenv(variable)
	if endpoint == "" {
		if required(requirement) {
			t.Fatal(variable, reason)
		}

		t.Skip(variable, reason)
	}

	// Everything is set here, so neither the environment nor a profile can point a test at an account.
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		BaseEndpoint: &endpoint,
	}
}

func required(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("GOFLOW_TEST_REQUIRE"), ","), what)
}

var notAllowed = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// Name returns a fresh name for a queue or a table, at most 60 characters long: what the test is called, as far as there
// is room for it, and a random end.
func Name(t testing.TB) string {
	const room = 60 - len("-") - 26 // 26 is the length of rand.Text.

	name := notAllowed.ReplaceAllString(t.Name(), "-")

	return name[:min(len(name), room)] + "-" + rand.Text()
}
