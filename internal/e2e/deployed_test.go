package e2e_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/jamesTait-jt/goflow/handlers"
	"github.com/jamesTait-jt/goflow/internal/deploy"
	"github.com/jamesTait-jt/goflow/internal/localstack"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

const token = "a-token-of-a-producer"

// deployed are the options for one server and two workers that work in a place.
func (p place) deployed(endpoint string) deploy.Options {
	o := deploy.Defaults()
	o.Image, o.ServerImage = "registry.example/orders:1.4.2", "registry.example/goflow:1.0.0"
	o.QueueURL, o.DLQURL, o.Table, o.Region, o.Endpoint = p.queue, p.dead, p.table, "us-east-1", endpoint
	o.Servers, o.MinWorkers, o.MaxWorkers, o.PollWait = 1, 2, 2, time.Second
	o.TLSSecret = "goflow-tls"
	return o
}

// What is deployed works as it is deployed: the pods' commands, with no variable but those of their manifests and who they
// are to AWS, answer the probes, and a producer gets its result through the service's port.
func TestWhatIsDeployedRuns(t *testing.T) {
	t.Parallel()
	cfg := localstack.Config(t)
	o := newPlace(t).deployed(*cfg.BaseEndpoint)
	all, err := deploy.Objects(o)
	require.NoError(t, err)
	host := o.Name + "-server." + o.Namespace + ".svc"
	cert, key, trusted := certificate(t, host)
	n := newNode(t, all, map[string]map[string]string{
		o.TLSSecret:         {corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key},
		o.CredentialsSecret: {"credentials.yaml": fmt.Sprintf("tokens:\n- {name: shop, sha256: %x, roles: [push, read]}\n", sha256.Sum256([]byte(token)))},
	})
	var service corev1.Service
	var servers, workers appsv1.Deployment
	n.object("Service", "goflow-server", &service)
	n.object("Deployment", "goflow-server", &servers)
	n.object("Deployment", "goflow-worker", &workers)
	serving := n.run(servers)
	require.Len(t, serving, 1)
	require.Len(t, n.run(workers), 2)

	c, err := client.Dial(serving[0].behind(t, service, 9090), client.Token(token),
		client.TLS(&tls.Config{RootCAs: trusted, ServerName: host, MinVersion: tls.VersionTLS13}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 10 {
		id, err := handlers.Echo.Push(ctx, c.Client, json.RawMessage(fmt.Sprint(i)))
		require.NoError(t, err)
		got, err := handlers.Echo.Wait(ctx, c.Client, id)
		require.NoError(t, err)
		require.JSONEq(t, fmt.Sprint(i), string(got))
	}
}

// behind is where a service's port leads when it chooses this pod.
func (p *pod) behind(t *testing.T, service corev1.Service, port int32) string {
	t.Helper()
	require.NotEmpty(t, service.Spec.Selector)
	require.Subset(t, p.template.Labels, service.Spec.Selector, "the service does not choose the pod")
	for _, s := range service.Spec.Ports {
		if s.Port == port {
			return net.JoinHostPort("127.0.0.1", p.port(t, s.TargetPort))
		}
	}
	require.Fail(t, "the service has no such port", "%d", port)
	return ""
}

// certificate makes one for a host, and what trusts it.
func certificate(t *testing.T, host string) (cert, key string, trusted *x509.CertPool) {
	t.Helper()
	cert, key = selfSigned(t, host)
	trusted = x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM([]byte(cert)))
	return cert, key, trusted
}
