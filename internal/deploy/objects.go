package deploy

import (
	"bytes"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// The components, which are a label of their pods.
const (
	server = "server"
	worker = "worker"
)

// The ports of the pods.
const (
	grpcPort = 9090
	httpPort = 8080
)

// Objects returns what the options ask for, in the order in which it is applied, the same for the same options.
func Objects(o Options) ([]*unstructured.Unstructured, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return o.objects()
}

func (o Options) objects() ([]*unstructured.Unstructured, error) {
	typed := []runtime.Object{
		o.namespace(), o.account(), o.configMap(), o.networkPolicy(server), o.networkPolicy(worker),
		o.service(), o.budget(), o.deployment(server), o.deployment(worker),
	}
	var all []*unstructured.Unstructured
	for _, object := range typed {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return nil, fmt.Errorf("%T: %w", object, err)
		}
		delete(fields, "status") // the controllers'
		unstructured.RemoveNestedField(fields, "spec", "template", "metadata", "creationTimestamp")
		unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
		all = append(all, &unstructured.Unstructured{Object: fields})
	}
	if o.autoscaled() {
		all = append(all, o.triggerAuthentication(), o.scaledObject())
	}
	return all, nil
}

// YAML returns objects as the documents of one stream.
func YAML(objects []*unstructured.Unstructured) ([]byte, error) {
	var stream bytes.Buffer
	for _, object := range objects {
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		stream.WriteString("---\n")
		stream.Write(document)
	}
	return stream.Bytes(), nil
}

func kind(version schema.GroupVersion, name string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: version.String(), Kind: name}
}

// meta is that of an object of a component; "" is of none.
func (o Options) meta(component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: o.named(component), Namespace: o.Namespace, Labels: o.labels(component)}
}

func (o Options) named(component string) string {
	if component == "" {
		return o.Name
	}
	return o.Name + "-" + component
}

func (o Options) labels(component string) map[string]string {
	labels := o.selector(component)
	labels["app.kubernetes.io/managed-by"] = Manager
	return labels
}

// selector are the labels that never change: a deployment's selector cannot.
func (o Options) selector(component string) map[string]string {
	labels := map[string]string{"app.kubernetes.io/name": "goflow", "app.kubernetes.io/instance": o.Name}
	if component != "" {
		labels["app.kubernetes.io/component"] = component
	}
	return labels
}

// namespace refuses pods that could do more than ours need.
func (o Options) namespace() *corev1.Namespace {
	labels := map[string]string{"app.kubernetes.io/managed-by": Manager}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = "restricted"
	}
	return &corev1.Namespace{
		TypeMeta: kind(corev1.SchemeGroupVersion, "Namespace"), ObjectMeta: metav1.ObjectMeta{Name: o.Namespace, Labels: labels},
	}
}

// account is who the pods are to AWS.
func (o Options) account() *corev1.ServiceAccount {
	account := &corev1.ServiceAccount{
		TypeMeta: kind(corev1.SchemeGroupVersion, "ServiceAccount"), ObjectMeta: o.meta(""),
		AutomountServiceAccountToken: new(false), // the pods never ask Kubernetes
	}
	if o.RoleARN != "" {
		account.Annotations = map[string]string{"eks.amazonaws.com/role-arn": o.RoleARN}
	}
	return account
}

func (o Options) service() *corev1.Service {
	return &corev1.Service{
		TypeMeta: kind(corev1.SchemeGroupVersion, "Service"), ObjectMeta: o.meta(server),
		Spec: corev1.ServiceSpec{
			Selector: o.selector(server),
			// A client balances over the pods by itself, which it can only if it sees them.
			ClusterIP: corev1.ClusterIPNone,
			Ports: []corev1.ServicePort{{
				Name: "grpc", Protocol: corev1.ProtocolTCP,
				Port: grpcPort, TargetPort: intstr.FromString("grpc"),
			}},
		},
	}
}

// budget lets nodes be drained one server at a time. Workers need none: what one gives back another takes.
func (o Options) budget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta: kind(policyv1.SchemeGroupVersion, "PodDisruptionBudget"), ObjectMeta: o.meta(server),
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: o.selector(server)}, MaxUnavailable: new(intstr.FromInt32(1)),
		},
	}
}
