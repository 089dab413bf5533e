package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/internal/program"
	"github.com/jamesTait-jt/goflow/internal/programtest"
)

// asked is a server that writes down what it is asked.
type asked struct {
	mu  sync.Mutex
	all []string
}

func (a *asked) serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.all = append(a.all, r.Method+" "+r.URL.Path)
		a.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (a *asked) take() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, a.all = a.all, nil
	return all
}

// emptyCluster answers as a Kubernetes does where nothing is deployed but, if it is given, a ConfigMap that names a queue;
// it returns the flag that leads there.
func emptyCluster(t *testing.T, queue string, more ...string) (flag string, a *asked) {
	t.Helper()
	a = &asked{}
	url := a.serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/pods"):
			_, _ = fmt.Fprint(w, `{"apiVersion":"v1","kind":"PodList","items":[]}`)
		case strings.HasSuffix(r.URL.Path, "/configmaps/goflow") && queue != "":
			_, _ = fmt.Fprintf(w, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"goflow","labels":{"app.kubernetes.io/managed-by":"goflow",
				"app.kubernetes.io/instance":"goflow"}},"data":{"GOFLOW_QUEUE_URL":%q%s}}`, queue, strings.Join(more, ""))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404}`)
		}
	})
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, []byte("{kind: Config, current-context: x, contexts: [{name: x, context: {cluster: x}}], "+
		"clusters: [{name: x, cluster: {server: '"+url+"'}}]}"), 0o600))
	return " --kubeconfig " + file, a
}

func destroyWith(t *testing.T, places map[string]string, args, stdin string) (code int, errs string) {
	t.Helper()
	all := map[string]string{"XDG_CONFIG_HOME": t.TempDir()}
	maps.Copy(all, places)
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), program.Surroundings{
		Args: strings.Fields("destroy " + args), Getenv: func(name string) string { return all[name] },
		Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
	})
	require.Empty(t, stdout.String())
	return code, stderr.String()
}

func TestDestroyLeavesAWSAloneUnlessToldOtherwise(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	aws := &asked{}
	programtest.UseEndpoint(t, aws.serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	places := map[string]string{"GOFLOW_QUEUE_URL": "orders", "GOFLOW_DLQ_URL": "orders-dead", "GOFLOW_TABLE": "orders"}
	where, cluster := emptyCluster(t, "")
	for _, args := range []string{"", " --yes"} {
		code, errs := destroyWith(t, places, where+args, "orders\n")
		require.Zero(t, code, errs)
		require.Empty(t, aws.take())
		require.NotEmpty(t, cluster.take())
	}
	for _, answer := range []string{"", "\n", "yes\n", "orders-dead\n"} {
		code, errs := destroyWith(t, places, where+" --delete-data", answer)
		require.Equal(t, program.Usage, code, errs)
		require.Contains(t, errs, "delete for good, with all that is in them: queue orders, queue orders-dead, table orders? type orders: ")
		require.Contains(t, errs, "nothing is deleted")
		require.Empty(t, aws.take())
	}
	for _, bad := range []struct{ without, args, text string }{
		{"", " --stack orders", "queues and table are the stack's"},
		{"GOFLOW_QUEUE_URL", "", "queue-url is missing"},
		{"GOFLOW_TABLE", "", "table is missing"},
	} {
		some := maps.Clone(places)
		delete(some, bad.without)
		code, errs := destroyWith(t, some, where+" --delete-data --yes"+bad.args, "")
		require.Equal(t, program.Usage, code, errs)
		require.Contains(t, errs, bad.text)
		require.Empty(t, aws.take())
	}
}

func TestDestroyDeletesNoOtherQueueThanTheDeployedOne(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	aws := &asked{}
	programtest.UseEndpoint(t, aws.serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	where, cluster := emptyCluster(t, "https://sqs.eu-central-1.amazonaws.com/123456789012/mails")
	code, errs := destroyWith(t, map[string]string{"GOFLOW_QUEUE_URL": "orders", "GOFLOW_TABLE": "orders"}, where+" --delete-data --yes --timeout 5s", "")
	require.Equal(t, program.Usage, code, errs)
	require.Contains(t, errs, `--queue-url "orders": what is deployed there works on "https://sqs.eu-central-1.amazonaws.com/123456789012/mails"`)
	require.Empty(t, aws.take())
	for _, request := range cluster.take() {
		require.True(t, strings.HasPrefix(request, "GET "), request)
	}
}

// TestDestroyDeletesNothingElsewhere: names are the same in each region and account.
func TestDestroyDeletesNothingElsewhere(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	aws := &asked{}
	programtest.UseEndpoint(t, aws.serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	const deployed, table = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders", `,"GOFLOW_TABLE":"orders"`
	for _, c := range []struct{ queue, more, want string }{
		{"orders", table + `,"AWS_REGION":"eu-central-1","AWS_ENDPOINT_URL":"http://localstack"`, `AWS region "us-east-1": what is deployed there works in "eu-central-1"`},
		{"orders", table + `,"AWS_REGION":"us-east-1"`, `what is deployed there works on "AWS"`},
		{"https://sqs.eu-central-1.amazonaws.com/999999999999/orders", table, `what is deployed there works on "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"`},
	} {
		where, _ := emptyCluster(t, deployed, c.more)
		code, errs := destroyWith(t, map[string]string{"GOFLOW_QUEUE_URL": c.queue, "GOFLOW_TABLE": "orders"}, where+" --delete-data --yes --timeout 5s", "")
		require.Equal(t, program.Usage, code, errs)
		require.Contains(t, errs, c.want)
		require.Contains(t, errs, "nothing is deleted")
		require.Empty(t, aws.take())
	}
}

func TestDestroyDeletesQueuesAndTableWhereItIsConfirmed(t *testing.T) { //nolint:paralleltest // the SDK reads the environment of the process
	cfg := localstack.Config(t)
	programtest.UseEndpoint(t, *cfg.BaseEndpoint)
	where, _ := emptyCluster(t, "")
	for _, confirm := range []struct{ args, stdin string }{{" --yes", ""}, {"", "{queue}\n"}} {
		name := localstack.Name(t)
		_, places := programtest.Provision(t, name)
		stdin := strings.ReplaceAll(confirm.stdin, "{queue}", name)
		for range 2 { // what is not there any more is no error
			code, errs := destroyWith(t, places, where+" --delete-data"+confirm.args, stdin)
			require.Zero(t, code, errs)
			require.Contains(t, errs, "deleted: queue "+name+", queue "+name+"-dead, table "+name)
		}
		queues, err := awssqs.NewFromConfig(cfg).ListQueues(t.Context(), &awssqs.ListQueuesInput{QueueNamePrefix: &name})
		require.NoError(t, err)
		require.Empty(t, queues.QueueUrls)
		_, err = awsdynamodb.NewFromConfig(cfg).DescribeTable(t.Context(), &awsdynamodb.DescribeTableInput{TableName: &name})
		require.ErrorContains(t, err, "ResourceNotFoundException")
	}
}
