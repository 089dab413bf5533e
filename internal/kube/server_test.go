package kube_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/internal/kube"
)

var (
	deployments   = appsv1.SchemeGroupVersion.WithResource("deployments")
	namespaces    = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	pods          = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	scaledObjects = schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"}
)

// How long a test waits at most, and how often it looks.
const (
	wait = 20 * time.Second
	tick = 50 * time.Millisecond
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 2
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: example.com/worker}]}
`

func object(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()

	o := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &o.Object))

	return o
}

func apply(t *testing.T, client dynamic.Interface, namespace string) *appsv1.Deployment {
	t.Helper()

	applied, err := client.Resource(deployments).Namespace(namespace).
		Apply(t.Context(), "worker", object(t, deployment), metav1.ApplyOptions{FieldManager: "test"})
	require.NoError(t, err)

	return typed(t, applied)
}

func typed(t *testing.T, o *unstructured.Unstructured) *appsv1.Deployment {
	t.Helper()

	d := &appsv1.Deployment{}
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, d))

	return d
}

func TestAnAppliedDeploymentRollsOutWhenTheTestSaysSo(t *testing.T) {
	t.Parallel()

	namespace, client := kube.Namespace(t), kube.Client(t)
	applied := apply(t, client, namespace)
	require.Equal(t, "test", applied.ManagedFields[0].Manager)
	require.Zero(t, applied.Status, "nobody plays the controller yet")

	kube.RollOut(t, namespace, "worker")

	got, err := client.Resource(deployments).Namespace(namespace).Get(t.Context(), "worker", metav1.GetOptions{})
	require.NoError(t, err)
	now := typed(t, got)
	require.Equal(t, applied.Generation, now.Status.ObservedGeneration)
	require.Equal(t, applied.Generation, now.Generation, "a status is no change of what is wanted")
	require.EqualValues(t, 2, now.Status.UpdatedReplicas)
	require.EqualValues(t, 2, now.Status.AvailableReplicas)

	// What was applied twice is the same.
	require.Equal(t, now.ResourceVersion, apply(t, client, namespace).ResourceVersion)
}

func TestADeletedNamespaceStaysUntilItIsFinalized(t *testing.T) {
	t.Parallel()

	namespace, client := kube.Namespace(t), kube.Client(t)
	require.NoError(t, client.Resource(namespaces).Delete(t.Context(), namespace, metav1.DeleteOptions{}))

	got, err := client.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, got.GetDeletionTimestamp())

	kube.Finalize(t, namespace)

	_, err = client.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func TestTheDeployerMayDoWhatARoleSaysAndNothingElse(t *testing.T) {
	t.Parallel()

	deployer, err := dynamic.NewForConfig(kube.Deployer(t))
	require.NoError(t, err)
	namespace := kube.Namespace(t)
	list := func(resource schema.GroupVersionResource) error {
		_, err := deployer.Resource(resource).Namespace(namespace).List(t.Context(), metav1.ListOptions{})

		return err
	}
	require.True(t, apierrors.IsForbidden(list(deployments)))

	grant(t, namespace)

	// The authorizer hears of it a moment later.
	require.Eventually(t, func() bool { return list(deployments) == nil }, wait, tick)
	require.True(t, apierrors.IsForbidden(list(pods)))
}

// grant lets the deployer list deployments.
func grant(t *testing.T, namespace string) {
	t.Helper()

	for resource, manifest := range map[string]string{
		"roles": `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lister}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [list]}]`,
		"rolebindings": `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lister}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lister}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ` + kube.DeployerName + `}]`,
	} {
		_, err := kube.Client(t).Resource(rbacv1.SchemeGroupVersion.WithResource(resource)).Namespace(namespace).
			Create(t.Context(), object(t, manifest), metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

func TestScaledObjectsAreChecked(t *testing.T) {
	t.Parallel()

	client := kube.Client(t).Resource(scaledObjects).Namespace(kube.Namespace(t))
	good := `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec: {scaleTargetRef: {name: worker}, triggers: [{type: aws-sqs-queue, metadata: {queueLength: "5"}}]}`
	_, err := client.Create(t.Context(), object(t, good), metav1.CreateOptions{})
	require.NoError(t, err)

	bad := object(t, good)
	bad.SetName("bad")
	unstructured.RemoveNestedField(bad.Object, "spec", "scaleTargetRef")
	_, err = client.Create(t.Context(), bad, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
}

func TestRestrictedPodSecurityIsEnforced(t *testing.T) {
	t.Parallel()

	client, namespace := kube.Client(t), kube.Namespace(t)
	labelled := object(t, `
apiVersion: v1
kind: Namespace
metadata: {labels: {pod-security.kubernetes.io/enforce: restricted}}`)
	labelled.SetName(namespace)
	_, err := client.Resource(namespaces).
		Apply(t.Context(), namespace, labelled, metav1.ApplyOptions{FieldManager: "test"})
	require.NoError(t, err)

	_, err = client.Resource(pods).Namespace(namespace).Create(t.Context(), object(t, `
apiVersion: v1
kind: Pod
metadata: {name: root}
spec: {containers: [{name: root, image: example.com/root}]}`), metav1.CreateOptions{})
	require.ErrorContains(t, err, `violates PodSecurity "restricted`)
}
