package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where the server finds what the secrets hold.
const (
	credentialsFolder = "/etc/goflow/credentials" //nolint:gosec // a place, not a secret
	tlsFolder         = "/etc/goflow/tls"
)

// settings are the variables of all pods; docs/configuration.md has them.
func (o Options) settings() map[string]string {
	data := map[string]string{
		"AWS_REGION": o.Region, "GOFLOW_QUEUE_URL": o.QueueURL, "GOFLOW_TABLE": o.Table, "GOFLOW_LOG_FORMAT": "json",
		"GOFLOW_CONCURRENCY": strconv.Itoa(o.Concurrency), "GOFLOW_POLL_WAIT": o.PollWait.String(), "GOFLOW_DRAIN": o.Drain.String(),
		"GOFLOW_HTTP_ADDR":   fmt.Sprintf("0.0.0.0:%d", httpPort),
		"GOFLOW_GRPC_ADDR":   fmt.Sprintf("0.0.0.0:%d", grpcPort),
		"GOFLOW_CREDENTIALS": credentialsFolder + "/credentials.yaml",
	}
	if o.NoDLQ {
		data["GOFLOW_NO_DLQ"] = "true"
	} else {
		data["GOFLOW_DLQ_URL"] = o.DLQURL
	}
	if o.RecordTTL > 0 {
		data["GOFLOW_RECORD_TTL"] = o.RecordTTL.String()
	}
	if o.Endpoint != "" {
		data["AWS_ENDPOINT_URL"] = o.Endpoint
	}
	if o.TLSSecret == "" {
		data["GOFLOW_PLAIN_TEXT"] = "true"
	} else {
		data["GOFLOW_TLS_CERT"] = tlsFolder + "/" + corev1.TLSCertKey
		data["GOFLOW_TLS_KEY"] = tlsFolder + "/" + corev1.TLSPrivateKeyKey
	}
	return data
}

func (o Options) configMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: kind(corev1.SchemeGroupVersion, "ConfigMap"), ObjectMeta: o.meta(""), Data: o.settings()}
}

// Settings are the variables of the pods as they are deployed under these names; nil if they are not.
func (c *Cluster) Settings(ctx context.Context, name, namespace string) (map[string]string, error) {
	o := Options{Name: name, Namespace: namespace}
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	object.SetName(o.named(""))
	object.SetNamespace(namespace)
	now, err := c.ours(ctx, object, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(object), err)
	}
	if now == nil {
		return nil, nil //nolint:nilnil // said above
	}
	data, _, err := unstructured.NestedStringMap(now.Object, "data")
	return data, err
}

// templateOf is the annotation that tells the pods of one version of a deployment from those of another.
const templateOf = "goflow/template"

// digest changes with a pod's template and its settings: a changed ConfigMap alone would start no pod again.
func (o Options) digest(pod corev1.PodTemplateSpec) string {
	text, err := json.Marshal([]any{pod, o.settings()})
	if err != nil {
		panic(err) // plain structs
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
