package deploy_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/internal/kube"
)

func TestTheRightsOfTheExampleAreEnough(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	grant(t, c.Client, o.Namespace)
	deployer, err := dynamic.NewForConfig(kube.Deployer(t))
	require.NoError(t, err)
	c.Client = deployer

	// The authorizer hears of the rights a moment later.
	require.Eventually(t, func() bool { return c.Apply(t.Context(), objects(t, o), false) == nil }, 20*time.Second, 100*time.Millisecond)
	kube.RollOut(t, o.Namespace, "goflow-server")
	kube.RollOut(t, o.Namespace, "goflow-worker")
	require.NoError(t, c.Wait(t.Context(), objects(t, o)))
	_, err = c.Status(t.Context(), o.Name, o.Namespace)
	require.NoError(t, err)
	require.NoError(t, c.Destroy(t.Context(), o.Name, o.Namespace))
	require.True(t, told.has("all gone"))
}

// grant binds the example's roles, for the namespace, to the deployer.
func grant(t *testing.T, client dynamic.Interface, namespace string) {
	t.Helper()
	text, err := os.ReadFile("../../examples/kubernetes/deployer.yaml")
	require.NoError(t, err)
	replaced := strings.NewReplacer("[goflow]", "["+namespace+"]", "namespace: goflow", "namespace: "+namespace, "goflow-deployer", namespace).Replace(string(text))
	for document := range strings.SplitSeq(replaced, "---\n") {
		role := &unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal([]byte(document), &role.Object))
		binding := role.DeepCopy()
		delete(binding.Object, "rules")
		binding.SetKind(role.GetKind() + "Binding")
		binding.Object["roleRef"] = map[string]any{"apiGroup": rbacv1.GroupName, "kind": role.GetKind(), "name": role.GetName()}
		binding.Object["subjects"] = []any{map[string]any{"apiGroup": rbacv1.GroupName, "kind": "User", "name": kube.DeployerName}}
		for _, o := range []*unstructured.Unstructured{role, binding} {
			resource := client.Resource(rbacv1.SchemeGroupVersion.WithResource(strings.ToLower(o.GetKind()) + "s"))
			in := dynamic.ResourceInterface(resource)
			if o.GetNamespace() != "" {
				in = resource.Namespace(o.GetNamespace())
			}
			_, err := in.Create(t.Context(), o, metav1.CreateOptions{})
			require.NoError(t, err)
			t.Cleanup(func() {
				require.NoError(t, in.Delete(context.WithoutCancel(t.Context()), o.GetName(), metav1.DeleteOptions{}))
			})
		}
	}
}
