package kube

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Name returns a fresh name for a namespace, for tests that have theirs made. Whoever makes it deletes it.
func Name() string { return "test-" + strings.ToLower(rand.Text()) }

// Namespace makes a namespace with a fresh name, and deletes it when the test ends.
func Namespace(t testing.TB) string {
	t.Helper()

	name := Name()
	client := Client(t)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	_, err := namespaces(client).Create(t.Context(), object, metav1.CreateOptions{})
	require.NoError(t, err)

	t.Cleanup(func() {
		err := namespaces(client).Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
		if !apierrors.IsNotFound(err) {
			require.NoError(t, err)
			Finalize(t, name)
		}
	})

	return name
}

// Finalize ends a deleted namespace, as the namespace controller would once it is empty; until then it stays Terminating.
// What the namespace holds is not deleted, and would be there again in one of the same name.
func Finalize(t testing.TB, name string) {
	t.Helper()

	ctx := context.WithoutCancel(t.Context())
	client := namespaces(Client(t))
	object, err := client.Get(ctx, name, metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, object.GetDeletionTimestamp(), "namespace %s is not being deleted", name)

	unstructured.RemoveNestedField(object.Object, "spec", "finalizers")
	_, err = client.Update(ctx, object, metav1.UpdateOptions{}, "finalize")
	require.NoError(t, err)
}

func namespaces(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(corev1.SchemeGroupVersion.WithResource("namespaces"))
}

// Place says where an object is: its resource, such as appsv1.SchemeGroupVersion.WithResource("deployments"), its
// namespace and its name.
type Place struct {
	Resource  schema.GroupVersionResource
	Namespace string
	Name      string
}

// SetStatus sets those fields of an object's status that the value has as JSON, as the controller or the kubelet that is
// in charge of it would. The object has to be there.
func SetStatus(t testing.TB, place Place, status any) {
	t.Helper()

	patch, err := json.Marshal(map[string]any{"status": status})
	require.NoError(t, err)
	_, err = Client(t).Resource(place.Resource).Namespace(place.Namespace).
		Patch(t.Context(), place.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "controller"}, "status")
	require.NoError(t, err)
}

// RollOut sets a deployment's status as the deployment controller would once all replicas of its newest version run.
func RollOut(t testing.TB, namespace, name string) {
	t.Helper()

	place := Place{Resource: appsv1.SchemeGroupVersion.WithResource("deployments"), Namespace: namespace, Name: name}
	object, err := Client(t).Resource(place.Resource).Namespace(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	replicas, found, err := unstructured.NestedInt64(object.Object, "spec", "replicas")
	require.NoError(t, err)
	require.True(t, found, "the API server has set no default")

	now := metav1.Now()
	condition := func(kind appsv1.DeploymentConditionType, reason string) appsv1.DeploymentCondition {
		return appsv1.DeploymentCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastUpdateTime: now, LastTransitionTime: now,
		}
	}
	count := int32(replicas) //nolint:gosec // it is an int32 in the API
	SetStatus(t, place, appsv1.DeploymentStatus{
		ObservedGeneration: object.GetGeneration(),
		Replicas:           count, UpdatedReplicas: count, ReadyReplicas: count, AvailableReplicas: count,
		Conditions: []appsv1.DeploymentCondition{
			condition(appsv1.DeploymentAvailable, "MinimumReplicasAvailable"),
			condition(appsv1.DeploymentProgressing, "NewReplicaSetAvailable"),
		},
	})
}
