package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/internal/deploy"
)

const generated = "# Generated from internal/deploy by `go test ./internal/deploy -run Base -update`: change an overlay, not this.\n"

// base is what the kustomize base says of those options.
func base(t *testing.T, o deploy.Options) map[string][]byte {
	t.Helper()
	var plain, keda []*unstructured.Unstructured
	var literals []string
	for _, object := range objects(t, o) {
		switch object.GetKind() {
		case "ConfigMap": // kustomize names it by what it says, so that an overlay's change starts the pods again
			data, _, err := unstructured.NestedStringMap(object.Object, "data")
			require.NoError(t, err)
			for _, name := range slices.Sorted(maps.Keys(data)) {
				literals = append(literals, name+"="+data[name])
			}
			continue
		case "ScaledObject", "TriggerAuthentication":
			keda = append(keda, object)
			continue
		case "Deployment": // does the same for `goflow deploy`
			unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "annotations")
		}
		plain = append(plain, object)
	}
	kustomization, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources":          []string{"goflow.yaml", "keda.yaml"},
		"configMapGenerator": []any{map[string]any{"name": o.Name, "namespace": o.Namespace, "literals": literals}},
	})
	require.NoError(t, err)
	files := map[string][]byte{"kustomization.yaml": kustomization}
	for name, objects := range map[string][]*unstructured.Unstructured{"goflow.yaml": plain, "keda.yaml": keda} {
		files[name], err = deploy.YAML(objects)
		require.NoError(t, err)
	}
	for name, text := range files {
		files[name] = append([]byte(generated), text...)
	}
	return files
}

// example are the options of the base. An overlay says which image, queue, table, region and role.
func example() deploy.Options {
	o := options()
	o.Image, o.ServerImage = "registry.example/greetings:1.0.0", "registry.example/greetings:1.0.0"
	o.QueueURL = "https://sqs.us-east-1.amazonaws.com/123456789012/goflow"
	o.DLQURL, o.Table, o.Region, o.RoleARN = "goflow-dead", "goflow", "us-east-1", "arn:aws:iam::123456789012:role/goflow"
	return o
}

func TestTheKustomizeBaseIsWhatDeployApplies(t *testing.T) {
	t.Parallel()
	const folder = "../../examples/kubernetes/base"
	want := base(t, example())
	if *update {
		require.Empty(t, os.Getenv("CI"))
		for name, text := range want {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
		}
	}
	there, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, there, len(want))
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.Equal(t, string(text), string(got), name)
	}
}

func TestThePolicyOfTheDocumentLetsPrometheusReachEveryPod(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/kubernetes.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n([^`]*kind: NetworkPolicy\n.*?)```").FindSubmatch(text)
	require.Len(t, block, 2)
	var policy networkingv1.NetworkPolicy
	require.NoError(t, yaml.UnmarshalStrict(block[1], &policy))
	require.Equal(t, example().Namespace, policy.Namespace)
	for _, name := range []string{"worker", "server"} {
		pod := find(t, objects(t, example()), "Deployment", "goflow-"+name)
		labels, _, err := unstructured.NestedStringMap(pod.Object, "spec", "template", "metadata", "labels")
		require.NoError(t, err)
		require.Subset(t, labels, policy.Spec.PodSelector.MatchLabels)
		containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "template", "spec", "containers")
		require.NoError(t, err)
		port := map[string]any{"name": "http", "protocol": "TCP", "containerPort": int64(policy.Spec.Ingress[0].Ports[0].Port.IntValue())}
		require.Contains(t, containers[0].(map[string]any)["ports"], port) //nolint:forcetypeassert // a container
	}
}

func TestTheImageOfTheExampleIsWhatThePodsRun(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/kubernetes/Dockerfile")
	require.NoError(t, err)
	bases := regexp.MustCompile(`(?m)^FROM (.+)$`).FindAllSubmatch(text, -1)
	require.Len(t, bases, 2)
	for _, base := range bases {
		require.Regexp(t, `^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}( AS \w+)?$`, string(base[1]), "a tag alone may be another image tomorrow")
	}
	for _, name := range []string{"worker", "server"} {
		pod := find(t, objects(t, example()), "Deployment", "goflow-"+name)
		user, _, err := unstructured.NestedInt64(pod.Object, "spec", "template", "spec", "securityContext", "runAsUser")
		require.NoError(t, err)
		require.Contains(t, string(text), fmt.Sprintf("\nUSER %d:%[1]d\n", user))
		containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "template", "spec", "containers")
		require.NoError(t, err)
		container, isObject := containers[0].(map[string]any)
		require.True(t, isObject)
		command, _, err := unstructured.NestedStringSlice(container, "command")
		require.NoError(t, err)
		require.Contains(t, string(text), "-o /out"+command[0]+" ")
		require.Regexp(t, `COPY --from=build .*/out`+command[0]+` .*/\n`, string(text))
	}
}
