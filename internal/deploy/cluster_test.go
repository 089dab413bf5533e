package deploy_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/jamesTait-jt/goflow/internal/deploy"
	"github.com/jamesTait-jt/goflow/internal/kube"
)

var deployments = appsv1.SchemeGroupVersion.WithResource("deployments")

// lines is what a cluster has told.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) take() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.all = l.all, nil
	return all
}

func (l *lines) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.all, func(line string) bool { return strings.Contains(line, part) })
}

func cluster(t *testing.T) (*deploy.Cluster, *lines, deploy.Options) {
	t.Helper()
	o := options()
	o.Namespace = kube.Namespace(t)
	told := &lines{}
	return &deploy.Cluster{Client: kube.Client(t), Progress: told.add, Poll: 20 * time.Millisecond}, told, o
}

// background runs what waits.
func background(t *testing.T, limit time.Duration, do func(context.Context) error) chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	return done
}

func TestWhatIsAppliedTwiceIsUnchanged(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	require.Contains(t, told.take(), "scaledobject/goflow-worker created")

	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	for _, line := range told.take() {
		require.True(t, strings.HasSuffix(line, " unchanged"), line)
	}

	o.Table = "another"
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	changed := slices.DeleteFunc(told.take(), func(line string) bool { return strings.HasSuffix(line, " unchanged") })
	require.Equal(t, []string{"configmap/goflow changed", "deployment/goflow-server changed", "deployment/goflow-worker changed"}, changed)

	o.MinWorkers, o.MaxWorkers = 3, 3
	require.NoError(t, c.Prune(t.Context(), o))
	require.Equal(t, []string{"scaledobject/goflow-worker deleted", "triggerauthentication/goflow-worker deleted"}, told.take())
}

func TestAConflictSaysWhoAndWhat(t *testing.T) {
	t.Parallel()
	c, _, o := cluster(t)
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	server := c.Client.Resource(deployments).Namespace(o.Namespace)
	_, err := server.Patch(t.Context(), "goflow-server", types.MergePatchType, []byte(`{"spec":{"replicas":7}}`), metav1.PatchOptions{FieldManager: "somebody"})
	require.NoError(t, err)

	err = c.Apply(t.Context(), objects(t, o), false)
	var conflict *deploy.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "deployment/goflow-server", conflict.Object)
	require.ErrorContains(t, err, `.spec.replicas: conflict with "somebody"`)
	require.ErrorContains(t, err, "--force-conflicts")

	require.NoError(t, c.Apply(t.Context(), objects(t, o), true))
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false), "it is ours now")
}

func TestWaitEndsWhenAllHasRolledOut(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	done := background(t, time.Minute, func(ctx context.Context) error { return c.Wait(ctx, objects(t, o)) })
	require.Eventually(t, func() bool { return told.has("deployment/goflow-server: not seen") }, 20*time.Second, 10*time.Millisecond)
	kube.RollOut(t, o.Namespace, "goflow-server")
	require.Eventually(t, func() bool { return told.has("deployment/goflow-worker: not seen") }, 20*time.Second, 10*time.Millisecond)
	require.Empty(t, done)
	kube.RollOut(t, o.Namespace, "goflow-worker")
	require.NoError(t, <-done)

	parts, err := c.Status(t.Context(), o.Name, o.Namespace)
	require.NoError(t, err)
	require.Contains(t, parts, deploy.Part{Object: "deployment/goflow-worker", State: "1 of 1 updated, 1 available"})
}

func TestWaitSaysWhyAPodFails(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	all := objects(t, o)
	require.NoError(t, c.Apply(t.Context(), all, false))
	kube.SetStatus(t, kube.Place{Resource: deployments, Namespace: o.Namespace, Name: "goflow-server"},
		appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2, UnavailableReplicas: 2})
	crashing(t, c, o)
	done := background(t, 3*time.Second, func(ctx context.Context) error { return c.Wait(ctx, all) })
	err := <-done
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "deployment/goflow-server: 2 of 2 updated, 0 available: pod crashing: CrashLoopBackOff")
	require.True(t, told.has("CrashLoopBackOff"))
}

// crashing makes a pod of the server's deployment, as its controller and the kubelet would.
func crashing(t *testing.T, c *deploy.Cluster, o deploy.Options) {
	t.Helper()
	server := find(t, objects(t, o), "Deployment", "goflow-server")
	template := server.DeepCopy().Object["spec"].(map[string]any)["template"].(map[string]any) //nolint:forcetypeassert // a deployment
	template["metadata"].(map[string]any)["name"] = "crashing"                                 //nolint:forcetypeassert // a deployment
	template["apiVersion"], template["kind"] = "v1", "Pod"
	made := server.DeepCopy()
	made.Object = template
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	_, err := c.Client.Resource(pods).Namespace(o.Namespace).Create(t.Context(), made, metav1.CreateOptions{})
	require.NoError(t, err, "the namespace refuses the pod")
	kube.SetStatus(t, kube.Place{Resource: pods, Namespace: o.Namespace, Name: "crashing"}, corev1.PodStatus{
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "server", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		}},
	})
}

func TestDestroyWaitsForWhatIsHeld(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	require.NoError(t, c.Apply(t.Context(), objects(t, o), false))
	worker := c.Client.Resource(deployments).Namespace(o.Namespace)
	hold := func(finalizers string) {
		_, err := worker.Patch(t.Context(), "goflow-worker", types.MergePatchType, []byte(`{"metadata":{"finalizers":`+finalizers+`}}`), metav1.PatchOptions{})
		require.NoError(t, err)
	}
	hold(`["example.com/held"]`)
	done := background(t, time.Minute, func(ctx context.Context) error { return c.Destroy(ctx, o.Name, o.Namespace) })
	held := "left: deployment/goflow-worker (held by example.com/held)"
	require.Eventually(t, func() bool { return told.has(held) }, 20*time.Second, 10*time.Millisecond)
	require.Empty(t, done)
	hold("[]")
	require.NoError(t, <-done)
	require.NoError(t, c.Destroy(t.Context(), o.Name, o.Namespace), "nothing is left to destroy")
}

func TestDestroyKeepsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	c, told, o := cluster(t)
	maps := c.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(o.Namespace)
	theirs := find(t, objects(t, o), "ConfigMap", "goflow")
	theirs.SetLabels(nil)
	_, err := maps.Create(t.Context(), theirs, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, c.Destroy(t.Context(), o.Name, o.Namespace))
	require.True(t, told.has("configmap/goflow kept"))
	_, err = maps.Get(t.Context(), "goflow", metav1.GetOptions{})
	require.NoError(t, err)
}
