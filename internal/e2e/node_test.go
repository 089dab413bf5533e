package e2e_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// node runs pods as processes. What a pod has to itself, a process shares: its ports become free ones of this machine, on
// loopback alone, and the folders of its volumes those of the test.
type node struct {
	t        *testing.T
	objects  []*unstructured.Unstructured
	folders  map[string]string // of secrets
	programs string            // the folder of what the images have at the top
}

// newNode builds what the images have, and mounts the secrets: by their names, texts by file.
func newNode(t *testing.T, objects []*unstructured.Unstructured, secrets map[string]map[string]string) *node {
	t.Helper()
	n := &node{t: t, objects: objects, folders: map[string]string{}, programs: t.TempDir()}
	for name, main := range map[string]string{"goflow": "../../cmd/goflow", "worker": "../../cmd/localworker"} {
		text, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(n.programs, name), main).CombinedOutput()
		require.NoError(t, err, string(text))
	}
	for name, files := range secrets {
		n.folders[name] = t.TempDir()
		for file, text := range files {
			require.NoError(t, os.WriteFile(filepath.Join(n.folders[name], file), []byte(text), 0o600))
		}
	}
	return n
}

// object reads one of the objects.
func (n *node) object(kind, name string, into any) {
	n.t.Helper()
	for _, o := range n.objects {
		if o.GetKind() == kind && o.GetName() == name {
			require.NoError(n.t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into))
			return
		}
	}
	require.Fail(n.t, "not among the objects", "%s %s", kind, name)
}

// pod is one that runs.
type pod struct {
	template  corev1.PodTemplateSpec
	container corev1.Container
	ports     map[int32]string // the container's, and what they became
	said      *bytes.Buffer    // by the process; to be read when it has ended
	ended     chan error
	cmd       *exec.Cmd
}

// run starts a deployment's pods, and returns them when all are ready. They are told to stop when the test ends, and have
// the time that their manifest gives them.
func (n *node) run(d appsv1.Deployment) []*pod {
	n.t.Helper()
	pods := make([]*pod, *d.Spec.Replicas)
	for i := range pods {
		pods[i] = n.start(d.Spec.Template)
	}
	for _, p := range pods {
		p.await(n.t, p.container.LivenessProbe)
		p.await(n.t, p.container.ReadinessProbe)
	}
	return pods
}

func (n *node) start(template corev1.PodTemplateSpec) *pod {
	n.t.Helper()
	require.Len(n.t, template.Spec.Containers, 1)
	c := template.Spec.Containers[0]
	p := &pod{template: template, container: c, ports: map[int32]string{}, said: &bytes.Buffer{}, ended: make(chan error, 1)}
	for _, port := range c.Ports {
		p.ports[port.ContainerPort] = freePort(n.t)
	}
	require.Len(n.t, c.Command, 1)
	p.cmd = exec.Command(filepath.Join(n.programs, c.Command[0]), c.Args...) //nolint:noctx // it is stopped as the kubelet does
	p.cmd.Env, p.cmd.Dir = n.environment(p), n.t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	require.NoError(n.t, p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	n.t.Cleanup(func() { p.stop(n.t) })
	return p
}

// stop is what the kubelet does, but that it would go on to kill silently.
func (p *pod) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // if it has ended, ended says how
	select {
	case err := <-p.ended:
		require.NoError(t, err, p.said.String())
	case <-time.After(time.Duration(*p.template.Spec.TerminationGracePeriodSeconds) * time.Second):
		_ = p.cmd.Process.Kill()
		require.Fail(t, "the pod did not end within its grace period", "%v: %s", <-p.ended, p.said)
	}
}

// environment is the container's, and what the service account's role stands for.
func (n *node) environment(p *pod) []string {
	n.t.Helper()
	all := map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
	for _, from := range p.container.EnvFrom {
		var config corev1.ConfigMap
		n.object("ConfigMap", from.ConfigMapRef.Name, &config)
		maps.Copy(all, config.Data)
	}
	for _, v := range p.container.Env {
		require.Nil(n.t, v.ValueFrom, v.Name)
		all[v.Name] = v.Value
	}
	moved := n.moved(p)
	env := make([]string, 0, len(all))
	for name, value := range all {
		env = append(env, name+"="+moved.Replace(value))
	}
	return env
}

// moved turns the pod's addresses and folders into those of this machine.
func (n *node) moved(p *pod) *strings.Replacer {
	n.t.Helper()
	var pairs []string
	for number, free := range p.ports {
		pairs = append(pairs, fmt.Sprintf("0.0.0.0:%d", number), "127.0.0.1:"+free)
	}
	for _, mount := range p.container.VolumeMounts {
		i := slices.IndexFunc(p.template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		require.GreaterOrEqual(n.t, i, 0, "no volume %s", mount.Name)
		folder := n.folders[p.template.Spec.Volumes[i].Secret.SecretName]
		require.NotEmpty(n.t, folder, "no secret for %s", mount.Name)
		pairs = append(pairs, mount.MountPath+"/", folder+"/")
	}
	return strings.NewReplacer(pairs...)
}

// port is what a port of the pod has become.
func (p *pod) port(t *testing.T, port intstr.IntOrString) string {
	t.Helper()
	for _, c := range p.container.Ports {
		if c.ContainerPort == port.IntVal || port.Type == intstr.String && c.Name == port.StrVal {
			return p.ports[c.ContainerPort]
		}
	}
	require.Fail(t, "the container has no such port", port.String())
	return ""
}

// await asks as the kubelet does until the answer is yes.
func (p *pod) await(t *testing.T, probe *corev1.Probe) {
	t.Helper()
	url := "http://" + net.JoinHostPort("127.0.0.1", p.port(t, probe.HTTPGet.Port)) + probe.HTTPGet.Path
	client := &http.Client{Timeout: time.Duration(probe.TimeoutSeconds) * time.Second}
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		answer, err := client.Do(req)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond, "%s never answers %s", p.container.Name, url)
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	require.NoError(t, err)
	return port
}

// selfSigned is a certificate and its key, in PEM.
func selfSigned(t *testing.T, host string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", secret)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
