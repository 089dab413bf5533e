// Package lambda_test deploys the template with sam and runs tasks through the
// function that it makes.
package lambda_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/adapters/dynamo"
	"github.com/jamesTait-jt/goflow/adapters/sqs"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/e2e/calls"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// root is the repository's top folder, where sam has built the template.
const root = "../../.."

// deployed is a stack, and the parts of it that a program uses.
type deployed struct {
	stack.Places
	name        string
	sqs         *awssqs.Client
	queue, dead *sqs.Broker
	records     *dynamo.Store
	client      *goflow.Client
	// The files for what has been asked of AWS.
	functionCalls, ownCalls string
}

// open returns the stack of that name.
func open(t *testing.T, name string) deployed {
	t.Helper()
	cfg := localstack.Config(t)
	d := deployed{name: name, sqs: awssqs.NewFromConfig(cfg), ownCalls: filepath.Join(t.TempDir(), "calls")}
	cfg.HTTPClient = &http.Client{Transport: calls.Recorder{File: d.ownCalls, Next: http.DefaultTransport}}
	places, err := stack.Read(t.Context(), cfg, name)
	require.NoError(t, err)
	d.Places = places
	d.dead = sqs.New(d.sqs, places.DeadQueueURL, sqs.PollWait(time.Second))
	producer := awssqs.NewFromConfig(cfg)
	d.queue = sqs.New(producer, places.QueueURL)
	d.records = dynamo.New(awsdynamodb.NewFromConfig(cfg), places.Table)
	d.check(t, producer)
	d.client, err = goflow.NewClient(d.queue, d.records)
	require.NoError(t, err)
	return d
}

// check asks whether everything is there, by URLs and by names, as the CLI does.
func (d deployed) check(t *testing.T, producer *awssqs.Client) {
	t.Helper()
	require.NoError(t, d.queue.Check(t.Context()))
	require.NoError(t, sqs.New(producer, d.DeadQueueURL).Check(t.Context()))
	require.NoError(t, d.records.Check(t.Context()))
	for _, url := range []string{d.QueueURL, d.DeadQueueURL} {
		found, err := sqs.Resolve(t.Context(), producer, path.Base(url))
		require.NoError(t, err)
		require.Equal(t, url, found)
	}
}

// samOrSkip returns the program. Without it the test is skipped, or fails where
// the tests of the function are required.
func samOrSkip(t *testing.T) string {
	t.Helper()
	sam := os.Getenv("GOFLOW_TEST_SAM")
	if sam != "" {
		return sam
	}
	const reason = "GOFLOW_TEST_SAM names no sam: run make test, or .ci/lambda"
	if slices.Contains(strings.Split(os.Getenv("GOFLOW_TEST_REQUIRE"), ","), "lambda") {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

// deploy deploys what sam has built, but with the function of this test in the
// place of the worker, which writes down its calls to AWS.
func deploy(t *testing.T, parameters ...string) deployed {
	t.Helper()
	samOrSkip(t)
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(root, ".aws-sam", "build"))), "sam build has to run before")
	record := filepath.Join(folder, "calls")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.record="+record,
		"-o", filepath.Join(folder, "Worker", "bootstrap"), "github.com/jamesTait-jt/goflow/internal/e2e/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(t, build)

	d := samDeploy(t, folder, append([]string{"Architecture=" + architecture()}, parameters...)...)
	d.functionCalls = record
	return d
}

// samDeploy deploys what sam has built in a folder, until the test is over.
func samDeploy(t *testing.T, folder string, parameters ...string) deployed {
	t.Helper()
	cfg := localstack.Config(t)
	name := "e2e-" + strings.ToLower(rand.Text()[:8])
	cmd := exec.CommandContext(t.Context(), samOrSkip(t), append([]string{
		"deploy", "--stack-name", name, "--capabilities", "CAPABILITY_IAM", "--s3-bucket", "goflow-deployments",
		"--s3-prefix", name, "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides",
	}, parameters...)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_DEFAULT_REGION="+cfg.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "SAM_CLI_POLL_DELAY=1")
	run(t, cmd)
	t.Cleanup(func() { // its poller would go on
		_, err := awscloudformation.NewFromConfig(cfg).DeleteStack(context.WithoutCancel(t.Context()),
			&awscloudformation.DeleteStackInput{StackName: &name})
		require.NoError(t, err)
	})
	return open(t, name)
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v: %s", cmd.Args, out)
}

// architecture is this machine's, as Lambda calls it: here functions are its
// processes.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}
