package deploy

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// nobody is the user that distroless images call nonroot.
const nobody = 65532

func (o Options) deployment(component string) *appsv1.Deployment {
	d := &appsv1.Deployment{
		TypeMeta: kind(appsv1.SchemeGroupVersion, "Deployment"), ObjectMeta: o.meta(component),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: o.selector(component)},
			Template: o.pod(component),
			// No pod goes before another is ready.
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromInt32(1)),
				},
			},
		},
	}
	d.Spec.Template.Annotations = map[string]string{templateOf: o.digest(d.Spec.Template)}
	switch {
	case component == server:
		d.Spec.Replicas = new(int32(o.Servers)) //nolint:gosec // Check has its range
	case !o.autoscaled(): // else the number is KEDA's, and not ours to set back with each deploy
		d.Spec.Replicas = new(int32(o.MinWorkers)) //nolint:gosec // Check has its range
	}
	return d
}

func (o Options) pod(component string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: o.labels(component)},
		Spec: corev1.PodSpec{
			ServiceAccountName: o.Name, AutomountServiceAccountToken: new(false),
			TerminationGracePeriodSeconds: new(o.grace()),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(nobody)), RunAsGroup: new(int64(nobody)), FSGroup: new(int64(nobody)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{o.container(component)},
			Volumes:    o.volumes(component),
		},
	}
}

func (o Options) container(component string) corev1.Container {
	c := corev1.Container{
		Name: component, Image: o.Image, Command: []string{"/worker"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: httpPort, Protocol: corev1.ProtocolTCP}},
		EnvFrom: []corev1.EnvFromSource{{
			ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: o.Name}},
		}},
		Env:            []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: o.goMemLimit()}},
		Resources:      o.resources(),
		ReadinessProbe: probe("/readyz", 3), LivenessProbe: probe("/healthz", 6),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), RunAsNonRoot: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
	if component == server {
		c.Image, c.Command, c.Args = o.ServerImage, []string{"/goflow"}, []string{"server"}
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "grpc", ContainerPort: grpcPort, Protocol: corev1.ProtocolTCP})
		for _, v := range o.volumes(component) {
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/etc/goflow/" + v.Name, ReadOnly: true})
		}
	}
	return c
}

// resources bound a pod's memory, so that it does not take its node's; a bound on the CPU would only slow it down, but
// GOMAXPROCS follows it, so there is one.
func (o Options) resources() corev1.ResourceRequirements {
	cpu, memory := resource.MustParse(o.CPU), resource.MustParse(o.Memory)
	limit := resource.MustParse("1")
	if cpu.Cmp(limit) > 0 {
		limit = cpu
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: limit, corev1.ResourceMemory: memory},
	}
}

func probe(path string, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}},
		PeriodSeconds: 5, TimeoutSeconds: 3, FailureThreshold: failures,
	}
}

// volumes are the secrets that the server reads.
func (o Options) volumes(component string) (all []corev1.Volume) {
	if component != server {
		return nil
	}
	add := func(name, secret string) {
		all = append(all, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: secret, DefaultMode: new(int32(0o440))},
		}})
	}
	add("credentials", o.CredentialsSecret)
	if o.TLSSecret != "" {
		add("tls", o.TLSSecret)
	}
	return all
}
