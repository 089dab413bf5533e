package archtest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/jamesTait-jt/goflow/"

// core is what must not reach anything but the standard library and itself.
var core = []string{"goflow", "goflow/task", "goflow/store", "goflow/port", "goflow/memory"}

// arrows says what of ours a package, and what lies below it, may import. The
// longest path decides; who has none may import everything. (That nobody
// imports a main is Go's own rule.)
var arrows = map[string][]string{
	"goflow":            {"goflow/task", "goflow/store", "goflow/port", "goflow/memory"},
	"goflow/task":       {},
	"goflow/store":      {},
	"goflow/port":       {"goflow/task"},
	"goflow/memory":     {"goflow/port", "goflow/task"},
	"goflow/goflowtest": append([]string{"goflow"}, core...),
	"adapters":          {"goflow/port", "goflow/task", "adapters/internal/awserr", "adapters/internal/body"},
	"handlers":          core,
	"lambda":            append([]string{"goflow"}, core...),
	"lambda/worker":     nil, // a main: it chooses adapters
	"pool":              nil, // what mains call: it chooses adapters
	// What make demo-grpc shows is that this is enough.
	"internal/demo/remote": {"goflow", "rpc/client"},
	"rpc":                  append([]string{"goflow", "rpc", "rpc/internal/convert"}, core...),
}

func TestCoreImportsStandardLibraryOnly(t *testing.T) {
	t.Parallel()

	for _, pkg := range core {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()

			for _, dep := range goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg) {
				require.Contains(t, core, strings.TrimPrefix(dep, module), "%s reaches %s", pkg, dep)
			}
		})
	}
}

// A function imports internal/config, and pays for what comes with it at each
// cold start; a command line does not mind.
func TestConfigurationCarriesNoCloudFormation(t *testing.T) {
	t.Parallel()

	const cloudFormation = "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	require.Contains(t, goList(t, "-deps", "./internal/stack"), cloudFormation)
	require.NotContains(t, goList(t, "-deps", "./internal/config"), cloudFormation)
}

// A function is loaded anew with every cold start, so it carries nothing that
// only other programs need.
func TestFunctionIsLight(t *testing.T) {
	t.Parallel()

	deps := goList(t, "-deps", "-tags", "lambda.norpc", "./lambda/worker")
	require.Contains(t, deps, "github.com/aws/aws-lambda-go/lambda")
	for _, dep := range deps {
		for _, heavy := range []string{
			"google.golang.org/grpc", "k8s.io", "go.opentelemetry.io", "github.com/prometheus", "github.com/spf13", "net/rpc",
			"github.com/aws/aws-sdk-go-v2/service/cloudformation", "github.com/stretchr/testify", module + "internal/stack",
			"go.yaml.in/yaml", module + "internal/configfile",
		} {
			require.False(t, below(dep, heavy), dep)
		}
	}
}

// Only the command line, and tests, carry Kubernetes' modules: whoever imports the library does not.
func TestKubernetesIsTheCommandLinesAlone(t *testing.T) {
	t.Parallel()

	require.Contains(t, goList(t, "-deps", "./cmd/goflow"), module+"internal/deploy")
	others := []string{"./goflow/...", "./adapters/...", "./handlers", "./lambda/...", "./rpc/...", "./pool", "./cmd/localworker", "./internal/config"}
	for _, dep := range goList(t, append([]string{"-deps"}, others...)...) {
		require.False(t, below(dep, "k8s.io") || dep == module+"internal/deploy", dep)
	}
}

func TestArrows(t *testing.T) {
	t.Parallel()

	// What doesn't exist would keep every rule.
	goList(t, "./goflow/goflowtest", "./adapters/sqs", "./adapters/dynamo", "./lambda", "./lambda/worker")

	var wrong []string
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		imports := strings.Fields(line)
		pkg := strings.TrimPrefix(imports[0], module)
		for _, imported := range imports[1:] {
			ours, isOurs := strings.CutPrefix(imported, module)
			if isOurs && !mayImport(pkg, ours) {
				wrong = append(wrong, pkg+" imports "+ours)
			}
		}
	}
	require.Empty(t, wrong)
}

func mayImport(pkg, imported string) bool {
	rule := ""
	for prefix := range arrows {
		if below(pkg, prefix) && len(prefix) > len(rule) {
			rule = prefix
		}
	}
	allowed := arrows[rule]
	ownAdapter := rule == "adapters" && below(imported, adapter(pkg))

	return allowed == nil || slices.Contains(allowed, imported) || ownAdapter
}

// adapter cuts a package's path down to its adapter, as in adapters/sqs.
func adapter(pkg string) string {
	parts := strings.Split(pkg, "/")

	return strings.Join(parts[:min(2, len(parts))], "/")
}

// below tells whether path is folder or lies in it.
func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// goList runs go list in the repository's root and returns its non-empty
// lines. A package that doesn't exist or doesn't load fails the test.
func goList(t *testing.T, args ...string) []string {
	t.Helper()

	// A test is cached until a file changes that it looked at itself; what go
	// list looks at doesn't count.
	eachGoFile(t, func(path string) {
		_, err := os.Stat(filepath.Join(root, path))
		require.NoError(t, err)
	})

	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list %s: %s", strings.Join(args, " "), stderr.String())

	return slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool { return line == "" })
}

func TestMayImport(t *testing.T) {
	t.Parallel()

	for _, ok := range []string{
		"goflow goflow/memory", "goflow/memory goflow/port", "goflow/port goflow/task", "adapters/sqs goflow/port",
		"adapters/sqs adapters/sqs/internal/wire", "adapters/sqs/provision adapters/sqs", "cmd/localworker adapters/sqs",
		"lambda/worker adapters/dynamo", "handlers goflow", "goflow/goflowtest goflow", "internal/demo adapters/sqs",
		"cmd/localworker internal/lines",
	} {
		pkg, imported, _ := strings.Cut(ok, " ")
		require.True(t, mayImport(pkg, imported), ok)
	}

	for _, bad := range []string{
		"goflow adapters/sqs", "goflow goflow/goflowtest", "goflow/memory goflow", "goflow/memory goflow/store",
		"goflow/port goflow/store", "goflow/task goflow/store", "goflow/store goflow/task", "adapters/sqs goflow",
		"adapters/sqs adapters/dynamo", "adapters/sqs/provision adapters/dynamo", "handlers adapters/sqs",
		"lambda adapters/sqs", "goflow internal/lines", "goflow internal/config", "goflow pool", "handlers pool", "lambda pool",
	} {
		pkg, imported, _ := strings.Cut(bad, " ")
		require.False(t, mayImport(pkg, imported), bad)
	}
}
