package deploy

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// keda is the version of KEDA's kinds. Its module would bring all of KEDA for these two.
const keda = "keda.sh/v1alpha1"

func (o Options) kedaObject(kind string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetAPIVersion(keda)
	object.SetKind(kind)
	object.SetName(o.named(worker))
	object.SetNamespace(o.Namespace)
	object.SetLabels(o.labels(worker))
	return object
}

// triggerAuthentication lets KEDA's operator read the queue's depth with its own role, which needs
// sqs:GetQueueAttributes. It need not become the workers'.
func (o Options) triggerAuthentication() *unstructured.Unstructured {
	return o.kedaObject("TriggerAuthentication", map[string]any{"podIdentity": map[string]any{"provider": "aws"}})
}

// scaledObject asks for as many workers as the tasks that wait and run fill. Running tasks count, or KEDA would take away
// workers as soon as the queue looks empty.
func (o Options) scaledObject() *unstructured.Unstructured {
	metadata := map[string]any{
		"queueURL": o.QueueURL, "queueLength": strconv.Itoa(o.Concurrency), "awsRegion": o.Region,
		"scaleOnInFlight": "true", "scaleOnDelayed": "false",
	}
	if o.Endpoint != "" {
		metadata["awsEndpoint"] = o.Endpoint
	}
	return o.kedaObject("ScaledObject", map[string]any{
		"scaleTargetRef":  map[string]any{"name": o.named(worker)},
		"minReplicaCount": int64(o.MinWorkers), "maxReplicaCount": int64(o.MaxWorkers),
		"pollingInterval": int64(15), "cooldownPeriod": int64(300),
		"triggers": []any{map[string]any{
			"type": "aws-sqs-queue", "metadata": metadata, "authenticationRef": map[string]any{"name": o.named(worker)},
		}},
	})
}
