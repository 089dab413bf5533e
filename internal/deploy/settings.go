package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
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
	if o.DLQURL == "" {
		data["GOFLOW_NO_DLQ"] = "true"
	} else {
		data["GOFLOW_DLQ_URL"] = o.DLQURL
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
