package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/jamesTait-jt/goflow/internal/deploy"
	"github.com/jamesTait-jt/goflow/internal/kube"
)

func changed(changes []deploy.Change) (names []string) {
	for _, c := range changes {
		names = append(names, c.Object)
	}
	return names
}

func TestDiffIsWhatApplyWouldChangeAndChangesNothing(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	first, err := c.Diff(t.Context(), o, false)
	require.NoError(t, err)
	require.Len(t, first, len(objects(t, o)))
	require.Contains(t, first[1].Diff, "--- live/serviceaccount/goflow\n+++ deployed/serviceaccount/goflow\n@@ -0,0 +1,")
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	require.Contains(t, told.take(), "deployment/goflow-worker created", "it was not there after the diff")

	none, err := c.Diff(t.Context(), o, false)
	require.NoError(t, err)
	require.Empty(t, none)

	o.Memory, o.MinWorkers, o.MaxWorkers = "512Mi", 3, 3
	some, err := c.Diff(t.Context(), o, false)
	require.NoError(t, err)
	require.Equal(t, []string{
		"scaledobject/goflow-worker", "triggerauthentication/goflow-worker", "deployment/goflow-server", "deployment/goflow-worker",
	}, changed(some))
	require.Contains(t, some[0].Diff, "\n-kind: ScaledObject\n")
	require.Contains(t, some[2].Diff, "\n-            memory: 256Mi\n")
	require.Contains(t, some[2].Diff, "\n+            memory: 512Mi\n")
	require.NotContains(t, some[2].Diff, "generation:", "it would be in every diff")
	require.NoError(t, c.Prune(t.Context(), o))
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	none, err = c.Diff(t.Context(), o, false)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestDiffSeesWhatOthersHaveSet(t *testing.T) {
	t.Parallel()
	c, _, o := cluster(t)
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	_, err := c.Client.Resource(deployments).Namespace(o.Namespace).Patch(t.Context(), "goflow-server", types.MergePatchType,
		[]byte(`{"spec":{"replicas":7,"paused":true}}`), metav1.PatchOptions{FieldManager: "somebody"})
	require.NoError(t, err)

	_, err = c.Diff(t.Context(), o, false)
	var conflict *deploy.ConflictError
	require.ErrorAs(t, err, &conflict)
	forced, err := c.Diff(t.Context(), o, true)
	require.NoError(t, err)
	require.Equal(t, []string{"deployment/goflow-server"}, changed(forced))
	require.Contains(t, forced[0].Diff, "\n-  replicas: 7\n+  replicas: 2\n")
	require.NotContains(t, forced[0].Diff, "-  paused", "it is not ours, and stays")
}

func TestDiffShowsAllOfANamespaceThatIsNotThere(t *testing.T) {
	t.Parallel()
	c, _, o := cluster(t)
	o.Namespace = kube.Name()
	all, err := c.Diff(t.Context(), o, false)
	require.NoError(t, err)
	require.Len(t, all, len(objects(t, o)))
	require.Equal(t, "namespace/"+o.Namespace, all[0].Object)
}
