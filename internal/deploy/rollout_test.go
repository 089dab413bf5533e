package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/jamesTait-jt/goflow/internal/deploy"
)

// rolled is a deployment of two replicas that has rolled out.
func rolled() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Generation: 3},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(2)), Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"goflow/template": "new"}},
		}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2},
	}
}

func pod(template string, status corev1.PodStatus) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Annotations: map[string]string{"goflow/template": template}}, Status: status}
}

func waiting(reason, message string) corev1.PodStatus {
	return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}}
}

func TestARolloutIsDoneWhenAllOfItIsNewAndAvailable(t *testing.T) {
	t.Parallel()
	require.Equal(t, deploy.Verdict{Done: true, Text: "2 of 2 updated, 2 available"}, deploy.Judge(rolled(), nil))
	for want, change := range map[string]func(*appsv1.Deployment){
		"not seen by its controller yet":     func(d *appsv1.Deployment) { d.Generation = 4 },
		"1 of 2 updated, 2 available, 1 old": func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 },
		"2 of 2 updated, 2 available, 1 old": func(d *appsv1.Deployment) { d.Status.Replicas = 3 },
		"2 of 2 updated, 1 available":        func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1 },
		"2 of 3 updated, 2 available":        func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) },
	} {
		d := rolled()
		change(d)
		require.Equal(t, deploy.Verdict{Text: want}, deploy.Judge(d, nil))
	}
}

func TestARolloutSaysWhyItIsStuck(t *testing.T) {
	t.Parallel()
	d := rolled()
	d.Status.AvailableReplicas = 1
	crashing := waiting("CrashLoopBackOff", "back-off 5m0s")
	crashing.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"}
	unscheduled := corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no node is big enough",
	}}}
	for want, p := range map[string]corev1.Pod{
		"2 of 2 updated, 1 available: pod p: CrashLoopBackOff: back-off 5m0s (exit code 2, Error)": pod("new", crashing),
		"2 of 2 updated, 1 available: pod p: ImagePullBackOff: no such image":                      pod("new", waiting("ImagePullBackOff", "no such image")),
		"2 of 2 updated, 1 available: pod p: Unschedulable: no node is big enough":                 pod("new", unscheduled),
		"2 of 2 updated, 1 available": pod("new", waiting("ContainerCreating", "")),
	} {
		require.Equal(t, deploy.Verdict{Text: want}, deploy.Judge(d, []corev1.Pod{p}))
	}
	require.Equal(t, "2 of 2 updated, 1 available", deploy.Judge(d, []corev1.Pod{pod("old", crashing)}).Text, "an old pod's trouble")

	d.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", Message: "timed out",
	}}
	require.Equal(t, deploy.Verdict{Failed: true, Text: "2 of 2 updated, 1 available: ProgressDeadlineExceeded: timed out"}, deploy.Judge(d, nil))
}
