// Package lambda_test deploys the template with sam and runs tasks through the
// function that it makes.
package lambda_test

import (
	"context"
	"os"
	"os/exec"
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
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/stack"
)

// root is the repository's top folder, where sam has built the template.
const root = "../../.."

// deployed is a stack, and the parts of it that a program uses.
type deployed struct {
	stack.Outputs
	sqs         *awssqs.Client
	queue, dead *sqs.Broker
	records     *dynamo.Store
	client      *goflow.Client
}

// open returns the stack of that name.
func open(t *testing.T, name string) deployed {
	t.Helper()
	cfg := localstack.Config(t)
	outputs, err := stack.Read(t.Context(), awscloudformation.NewFromConfig(cfg), name)
	require.NoError(t, err)
	d := deployed{Outputs: outputs, sqs: awssqs.NewFromConfig(cfg)}
	d.queue = sqs.New(d.sqs, outputs.QueueURL)
	d.dead = sqs.New(d.sqs, outputs.DLQURL, sqs.PollWait(time.Second))
	d.records = dynamo.New(awsdynamodb.NewFromConfig(cfg), outputs.Table)
	d.client, err = goflow.NewClient(d.queue, d.records)
	require.NoError(t, err)
	return d
}

// samOrSkip returns the program. Without it the test is skipped, or fails where
// the tests of the function are required.
func samOrSkip(t *testing.T) string {
	t.Helper()
	sam := os.Getenv("GOFLOW_TEST_SAM")
	if sam != "" {
		return sam
	}
	const reason = "GOFLOW_TEST_SAM names no sam: run make test-lambda"
	if slices.Contains(strings.Split(os.Getenv("GOFLOW_TEST_REQUIRE"), ","), "lambda") {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

// deploy deploys what sam has built, but with the function of this test in the
// place of the worker, which writes its calls to AWS to the file it returns.
func deploy(t *testing.T, parameters ...string) (d deployed, calls string) {
	t.Helper()
	sam, folder := samOrSkip(t), t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(root, ".aws-sam", "build"))), "sam build has to run before")
	calls = filepath.Join(folder, "calls")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.record="+calls,
		"-o", filepath.Join(folder, "Worker", "bootstrap"), "github.com/jamesTait-jt/goflow/internal/e2e/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(t, build)

	cfg := localstack.Config(t)
	name := "e2e-" + strings.ToLower(localstack.Name(t)[len(localstack.Name(t))-8:])
	command := exec.CommandContext(t.Context(), sam, append([]string{
		"deploy", "--stack-name", name, "--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset",
		"--no-progressbar", "--parameter-overrides", "Architecture=" + architecture(),
	}, parameters...)...)
	command.Dir = folder
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_DEFAULT_REGION="+cfg.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "SAM_CLI_TELEMETRY=0")
	run(t, command)
	t.Cleanup(func() { // its poller would go on
		_, err := awscloudformation.NewFromConfig(cfg).DeleteStack(context.WithoutCancel(t.Context()),
			&awscloudformation.DeleteStackInput{StackName: &name})
		require.NoError(t, err)
	})
	return open(t, name), calls
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
