package deploy_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/deploy"
)

var update = flag.Bool("update", false, "write down the objects")

func options() deploy.Options {
	o := deploy.Defaults()
	o.Image, o.ServerImage = "registry.example/orders:1.4.2", "registry.example/goflow:1.0.0"
	o.QueueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
	o.DLQURL, o.Table, o.Region = "orders-dead", "orders", "eu-central-1"
	o.RoleARN, o.TLSSecret = "arn:aws:iam::123456789012:role/orders", "goflow-tls"
	return o
}

func objects(t *testing.T, o deploy.Options) []*unstructured.Unstructured {
	t.Helper()
	all, err := deploy.Objects(o)
	require.NoError(t, err)
	return all
}

func find(t *testing.T, all []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range all {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	require.Fail(t, "not among the objects", "%s %s", kind, name)
	return nil
}

func TestObjectsAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	got, err := deploy.YAML(objects(t, options()))
	require.NoError(t, err)
	const file = "testdata/objects.yaml"
	if *update {
		require.Empty(t, os.Getenv("CI"))
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestPodsGetTheTimeThatTheyMayNeedToStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		poll, drain time.Duration
		want        int64
	}{{20 * time.Second, 5 * time.Second, 65}, {time.Second, time.Minute, 105}, {time.Second, 1500 * time.Millisecond, 47}} {
		o := options()
		o.PollWait, o.Drain = c.poll, c.drain
		worker := find(t, objects(t, o), "Deployment", "goflow-worker")
		got, _, err := unstructured.NestedInt64(worker.Object, "spec", "template", "spec", "terminationGracePeriodSeconds")
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestAChangedSettingStartsThePodsAgain(t *testing.T) {
	t.Parallel()
	annotation := func(o deploy.Options) string {
		worker := find(t, objects(t, o), "Deployment", "goflow-worker")
		text, found, err := unstructured.NestedString(worker.Object, "spec", "template", "metadata", "annotations", "goflow/template")
		require.NoError(t, err)
		require.True(t, found)
		return text
	}
	other := options()
	other.Table = "another"
	require.Equal(t, annotation(options()), annotation(options()))
	require.NotEqual(t, annotation(options()), annotation(other))
}

func TestTheNumberOfWorkersIsKEDAsOrOurs(t *testing.T) {
	t.Parallel()
	replicas := func(o deploy.Options) (int64, bool) {
		n, found, err := unstructured.NestedInt64(find(t, objects(t, o), "Deployment", "goflow-worker").Object, "spec", "replicas")
		require.NoError(t, err)
		return n, found
	}
	_, found := replicas(options())
	require.False(t, found, "deploy would set back what KEDA has set")
	fixed := options()
	fixed.MinWorkers, fixed.MaxWorkers = 3, 3
	n, _ := replicas(fixed)
	require.EqualValues(t, 3, n)
	require.NotEqual(t, "ScaledObject", objects(t, fixed)[len(objects(t, fixed))-1].GetKind())
}

func TestBadOptionsAreOneLine(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*deploy.Options){
		`--name "A"`:                   func(o *deploy.Options) { o.Name = "A" },
		`--namespace ""`:               func(o *deploy.Options) { o.Namespace = "" },
		`--image ""`:                   func(o *deploy.Options) { o.Image = "" },
		"may be another image":         func(o *deploy.Options) { o.Image = "registry.example:5000/orders" },
		"give a tag other than":        func(o *deploy.Options) { o.ServerImage = "orders:latest" },
		"queue-url is missing":         func(o *deploy.Options) { o.QueueURL = "" },
		"dlq-url is missing":           func(o *deploy.Options) { o.DLQURL = "" },
		"--no-dlq: dlq-url names":      func(o *deploy.Options) { o.NoDLQ = true },
		"region is missing":            func(o *deploy.Options) { o.Region = "" },
		"--role-arn":                   func(o *deploy.Options) { o.RoleARN = "orders" },
		"--endpoint":                   func(o *deploy.Options) { o.Endpoint = "localstack:4566" },
		"--max-workers 0":              func(o *deploy.Options) { o.MinWorkers, o.MaxWorkers = 0, 0 },
		"give 5 to 1000":               func(o *deploy.Options) { o.MinWorkers, o.MaxWorkers = 5, 4 },
		"--poll-wait 1.5s":             func(o *deploy.Options) { o.PollWait = 1500 * time.Millisecond },
		`--memory "1"`:                 func(o *deploy.Options) { o.Memory = "1" },
		`--credentials-secret ""`:      func(o *deploy.Options) { o.CredentialsSecret = "" },
		`--cpu "much": give 10m to 64`: func(o *deploy.Options) { o.CPU = "much" },
	} {
		o := options()
		change(&o)
		_, err := deploy.Objects(o)
		require.ErrorContains(t, err, want)
		var bad *config.Error
		require.ErrorAs(t, err, &bad)
	}
}
