package template_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/template"
)

// Without a report by record, Lambda would take back a whole batch for one task,
// and of a FIFO queue it takes neither big batches nor a window.
func TestQueueCallsTheFunctionRecordByRecord(t *testing.T) {
	t.Parallel()

	for kind, given := range queueKinds {
		s := template.Read(t).Stack(t, given)
		want := map[string]any{
			"Queue": "${Queue.Arn}", "BatchSize": "10", "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
			"ScalingConfig": map[string]any{"MaximumConcurrency": "10"},
		}
		if kind == "standard" {
			want["MaximumBatchingWindowInSeconds"] = "0"
		}
		require.Equal(t, map[string]any{"Tasks": map[string]any{"Type": "SQS", "Properties": want}}, s.Property("Worker", "Events"), kind)
	}
}

func TestFunctionIsNamedLoggedAndTraced(t *testing.T) {
	t.Parallel()

	s := template.Read(t).Stack(t, map[string]string{"Tracing": "PassThrough", "LogRetention": "7", "Architecture": "x86_64", "Memory": "512"})
	require.Equal(t, template.StackName+"-worker", s.Property("Worker", "FunctionName"))
	require.Equal(t, "provided.al2023", s.Property("Worker", "Runtime"))
	require.Equal(t, []any{"x86_64"}, s.Property("Worker", "Architectures"))
	require.Equal(t, "512", s.Property("Worker", "MemorySize"))
	require.Equal(t, "PassThrough", s.Property("Worker", "Tracing"))
	require.Equal(t, "${WorkerLogs}", s.Property("Worker", "LoggingConfig", "LogGroup"))
	require.Equal(t, map[string]any{"LogGroupName": "/aws/lambda/" + template.StackName + "-worker", "RetentionInDays": "7"}, s.Property("WorkerLogs"))
	// Who may not trace, must not be asked to.
	require.NotContains(t, granted(s, "WorkerRole"), "xray:PutTraceSegments")
	require.Contains(t, granted(template.Read(t).Stack(t, nil), "WorkerRole"), "xray:PutTraceSegments")
}

func granted(s *template.Stack, owner string) []string {
	var actions []string
	for _, statement := range s.Statements() {
		if statement.Owner == owner {
			actions = append(actions, statement.Actions...)
		}
	}
	return actions
}

// The CLI reads these by name.
func TestOutputs(t *testing.T) {
	t.Parallel()

	got := map[string]any{}
	for name, output := range template.Read(t).Section("Outputs") {
		got[name] = template.At(output, "Value", "Ref")
	}
	require.Equal(t, map[string]any{
		"QueueUrl": "Queue", "DeadQueueUrl": "DeadQueue", "Table": "Table", "WorkerName": "Worker",
		"ProducerPolicyArn": "ProducerPolicy", "OperatorPolicyArn": "OperatorPolicy",
	}, got)
}

// The makefile that `sam build` runs builds for each architecture that the
// template allows, and tells `sam deploy` which one it was.
func TestFunctionIsBuiltForItsArchitecture(t *testing.T) {
	t.Parallel()

	tm := template.Read(t)
	s := tm.Stack(t, nil)
	worker := s.Resources["Worker"]
	require.Equal(t, "makefile", template.At(worker, "Metadata", "BuildMethod"))
	folder := filepath.Join("../..", text(t, s.Property("Worker", "CodeUri")))
	// Prints what it would run.
	build := func(arguments ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "make", append([]string{"--dry-run", "build-Worker", "ARTIFACTS_DIR=/artifacts"}, arguments...)...)
		command.Dir = folder
		out, err := command.CombinedOutput()
		return string(out), err
	}

	goarch := map[any]string{"arm64": "GOARCH=arm64", "x86_64": "GOARCH=amd64"}
	require.ElementsMatch(t, []any{"arm64", "x86_64"}, template.At(tm.Section("Parameters")["Architecture"], "AllowedValues"))
	for arch, want := range goarch {
		out, err := build("ARCH=" + text(t, arch))
		require.NoError(t, err, out)
		require.Contains(t, out, want+" go build -tags lambda.norpc -trimpath")
		require.Contains(t, out, "/artifacts/bootstrap")
		require.Contains(t, out, "printf 'Architecture: %s\\n' "+text(t, arch)+" >../../.aws-sam/architecture.yaml")
	}
	out, err := build()
	require.NoError(t, err, out)
	require.Contains(t, out, goarch[s.Parameters["Architecture"]], "the default is not that of the template")
	out, err = build("ARCH=mips")
	require.Error(t, err)
	require.Contains(t, out, `ARCH is "mips": give arm64 or x86_64`)
}
