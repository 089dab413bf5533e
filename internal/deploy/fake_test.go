package deploy_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/jamesTait-jt/goflow/internal/deploy"
)

// fakeCluster holds the objects. It is for the bugs that are to be found without an API server, too.
func fakeCluster(t *testing.T, o deploy.Options) (*deploy.Cluster, *fake.FakeDynamicClient) {
	t.Helper()
	var there []runtime.Object
	for _, object := range objects(t, o) {
		there = append(there, object)
	}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{{Version: "v1", Resource: "pods"}: "PodList"}, there...)
	return &deploy.Cluster{Client: client, Progress: func(string) {}, Poll: time.Second}, client
}

func TestDestroyDoesNotTakeAnAnswerForTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, client := fakeCluster(t, options())
		client.PrependReactor("delete", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := c.Destroy(ctx, "goflow", "goflow")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "left: deployment/goflow-worker, deployment/goflow-server")
	})
}

func TestAConflictIsNamedWithoutAServerToo(t *testing.T) {
	t.Parallel()
	c, client := fakeCluster(t, options())
	client.PrependReactor("patch", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		patch, ok := a.(clienttesting.PatchActionImpl)
		require.True(t, ok)
		if *patch.PatchOptions.Force {
			return false, nil, nil
		}
		return true, nil, apierrors.NewApplyConflict([]metav1.StatusCause{{
			Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.replicas", Message: `conflict with "kubectl" using apps/v1`,
		}}, "Apply failed with 1 conflict")
	})
	deployment := find(t, objects(t, options()), "Deployment", "goflow-server")
	err := c.Apply(t.Context(), []*unstructured.Unstructured{deployment}, false)
	require.EqualError(t, err, `deployment/goflow-server: .spec.replicas: conflict with "kubectl" using apps/v1: `+
		"give --force-conflicts to take these fields over")
}

func TestDiffWritesNothingWithoutAServerToo(t *testing.T) {
	t.Parallel()
	fixed := options()
	fixed.MinWorkers, fixed.MaxWorkers = 3, 3
	c, client := fakeCluster(t, options())
	client.PrependReactor("patch", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		patch, ok := a.(clienttesting.PatchActionImpl)
		require.True(t, ok)
		require.Equal(t, []string{metav1.DryRunAll}, patch.PatchOptions.DryRun, patch.Name)
		would := &unstructured.Unstructured{}
		require.NoError(t, would.UnmarshalJSON(patch.GetPatch()))
		return true, would, nil
	})
	changes, err := c.Diff(t.Context(), fixed, false)
	require.NoError(t, err)
	require.Contains(t, changed(changes), "scaledobject/goflow-worker")
	for _, a := range client.Actions() {
		require.Contains(t, []string{"get", "patch"}, a.GetVerb())
	}
}
