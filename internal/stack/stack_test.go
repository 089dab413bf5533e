package stack_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

func TestRead(t *testing.T) {
	t.Parallel()
	name := localstack.Stack(t, localstack.Places)
	p, err := stack.Read(t.Context(), localstack.Config(t), name)
	require.NoError(t, err)
	require.Contains(t, p.QueueURL, "/"+name+"-Queue-")
	require.Contains(t, p.DeadQueueURL, "/"+name+"-DeadQueue-")
	require.Contains(t, p.Table, name+"-Table-")
	_, err = stack.Read(t.Context(), localstack.Config(t), name+"x")
	require.ErrorIs(t, err, port.ErrRefused)
	require.ErrorContains(t, err, "does not exist; check its name")
}

// answers is a CloudFormation that always answers the same.
func answers(t *testing.T, status int, body string) aws.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client sees a short answer
	}))
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// described is an answer with one stack.
func described(status string, outputs ...string) string {
	var text strings.Builder
	for _, o := range outputs {
		text.WriteString("<member><OutputKey>" + o + "</OutputKey><OutputValue>of " + o + "</OutputValue></member>")
	}
	return fmt.Sprintf(`<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>s</StackName>
<StackStatus>%s</StackStatus><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, status, text.String())
}

func failed(code, message string) string {
	return fmt.Sprintf(`<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
}

func TestReadFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		class  error // nil: a *config.Error
		want   string
	}{
		"no such stack": {
			http.StatusBadRequest, failed("ValidationError", "Stack with id s does not exist"), port.ErrRefused,
			"stack s: refused: ValidationError: Stack with id s does not exist; check its name, the region",
		},
		"no permission": {
			http.StatusForbidden, failed("AccessDenied", "User: u is not authorized"), port.ErrRefused,
			"allow cloudformation:DescribeStacks on it",
		},
		"bad credentials": {
			http.StatusForbidden, failed("ExpiredToken", "The security token is expired"), port.ErrRefused, "check the credentials",
		},
		"throttled":   {http.StatusBadRequest, failed("Throttling", "Rate exceeded"), port.ErrUnavailable, "try again"},
		"broken":      {http.StatusInternalServerError, failed("InternalFailure", "oops"), port.ErrUnavailable, "try again"},
		"in creation": {http.StatusOK, described("CREATE_IN_PROGRESS"), port.ErrUnavailable, "still being created (CREATE_IN_PROGRESS)"},
		"in review":   {http.StatusOK, described("REVIEW_IN_PROGRESS"), port.ErrUnavailable, "still being created"},
		"another stack": {
			http.StatusOK, described("CREATE_COMPLETE", "DeadQueueUrl", "Table", "Url"), nil,
			"stack s has no output QueueUrl (CREATE_COMPLETE): is it one of template.yaml?",
		},
		"no table": {http.StatusOK, described("UPDATE_COMPLETE", "QueueUrl", "DeadQueueUrl"), nil, "no output Table (UPDATE_COMPLETE)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stack.Read(t.Context(), answers(t, test.status, test.body), "s")
			if test.class == nil {
				require.ErrorAs(t, err, new(*config.Error))
			} else {
				require.ErrorIs(t, err, test.class)
			}
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestReadWhileItIsUpdated(t *testing.T) {
	t.Parallel()
	body := described("UPDATE_IN_PROGRESS", "QueueUrl", "DeadQueueUrl", "Table")
	p, err := stack.Read(t.Context(), answers(t, http.StatusOK, body), "s")
	require.NoError(t, err)
	require.Equal(t, stack.Places{QueueURL: "of QueueUrl", DeadQueueURL: "of DeadQueueUrl", Table: "of Table"}, p)
}
