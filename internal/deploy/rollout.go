package deploy

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Verdict is how far a deployment's rollout is.
type Verdict struct {
	Done   bool
	Failed bool   // and nothing but a change will help
	Text   string // one line
}

// Judge tells how far the rollout of a deployment's newest version is, from its status and its pods, those of older
// versions among them. Done: the controller has seen that version, every pod is of it, and all of them are available.
func Judge(d *appsv1.Deployment, pods []corev1.Pod) Verdict {
	// Only what is of this generation says anything: a status may be that of the version before.
	if d.Status.ObservedGeneration < d.Generation {
		return Verdict{Text: "not seen by its controller yet"}
	}
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	text := fmt.Sprintf("%d of %d updated, %d available", s.UpdatedReplicas, want, s.AvailableReplicas)
	if s.Replicas > s.UpdatedReplicas {
		text += fmt.Sprintf(", %d old", s.Replicas-s.UpdatedReplicas)
	}
	if s.UpdatedReplicas >= want && s.Replicas <= s.UpdatedReplicas && s.AvailableReplicas >= s.UpdatedReplicas {
		return Verdict{Done: true, Text: text}
	}
	reason, late := stuck(s.Conditions)
	if why := cmp.Or(trouble(d, pods), reason); why != "" {
		text += ": " + why
	}
	return Verdict{Failed: late, Text: text}
}

// stuck is what the controller itself says; late: it has given up.
func stuck(conditions []appsv1.DeploymentCondition) (reason string, late bool) {
	for _, c := range conditions {
		switch {
		case c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue:
			reason = c.Reason + ": " + c.Message
		case c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse:
			late = true
			reason = cmp.Or(reason, c.Reason+": "+c.Message)
		}
	}
	return reason, late
}

// trouble is the first thing that keeps a pod of the newest version from running.
func trouble(d *appsv1.Deployment, pods []corev1.Pod) string {
	for _, pod := range pods {
		if pod.Annotations[templateOf] != d.Spec.Template.Annotations[templateOf] {
			continue
		}
		if why := podTrouble(pod); why != "" {
			return "pod " + pod.Name + ": " + why
		}
	}
	return ""
}

func podTrouble(pod corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Reason + ": " + c.Message
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if why := containerTrouble(c); why != "" {
			return why
		}
	}
	return ""
}

// containerTrouble passes over a container that is only being made.
func containerTrouble(c corev1.ContainerStatus) string {
	waiting := c.State.Waiting
	if waiting == nil || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing" {
		return ""
	}
	text := waiting.Reason
	if waiting.Message != "" {
		text += ": " + waiting.Message
	}
	if last := c.LastTerminationState.Terminated; last != nil {
		text += fmt.Sprintf(" (exit code %d", last.ExitCode)
		if last.Reason != "" {
			text += ", " + last.Reason
		}
		text += ")"
	}
	return text
}
