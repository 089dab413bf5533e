// Package kube gives tests the Kubernetes API server that tools/k8s/up starts, and never a cluster of somebody's own. It
// has no controllers and no nodes: what these would do, the test does.
package kube

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const variable = "GOFLOW_TEST_KUBECONFIG"

// DeployerName is the user that Deployer is, for the subjects of role bindings.
const DeployerName = "deployer"

// File returns the path of a kubeconfig for the API server, whose contexts are "admin", the current one, and "deployer":
// what GOFLOW_TEST_KUBECONFIG holds. Without that variable it skips the test, or fails it where the comma-separated
// GOFLOW_TEST_REQUIRE names k8s.
func File(t testing.TB) string {
	t.Helper()

	const reason = "names no API server: run tools/k8s/up, or make test-k8s"

	file := os.Getenv(variable)
	if file == "" {
		if slices.Contains(strings.Split(os.Getenv("GOFLOW_TEST_REQUIRE"), ","), "k8s") {
			t.Fatal(variable, reason)
		}

		t.Skip(variable, reason)
	}

	return file
}

// Admin returns the configuration of clients that may do everything; without an API server it ends the test as File does.
// Requests are not limited in their rate.
func Admin(t testing.TB) *rest.Config {
	t.Helper()

	return user(t, "admin")
}

// Deployer is Admin for a user in no group, who may do nothing until the test binds a role to DeployerName. Tests that
// grant it something in all namespaces grant it to those that run beside them.
func Deployer(t testing.TB) *rest.Config {
	t.Helper()

	return user(t, DeployerName)
}

func user(t testing.TB, context string) *rest.Config {
	t.Helper()

	// Neither KUBECONFIG nor the file in the home folder is read.
	file, err := clientcmd.LoadFromFile(File(t))
	require.NoError(t, err)
	config, err := clientcmd.NewNonInteractiveClientConfig(*file, context, nil, nil).ClientConfig()
	require.NoError(t, err)

	config.QPS = -1

	return config
}

// Client returns a client that may do everything, as Admin does.
func Client(t testing.TB) dynamic.Interface {
	t.Helper()

	client, err := dynamic.NewForConfig(Admin(t))
	require.NoError(t, err)

	return client
}
