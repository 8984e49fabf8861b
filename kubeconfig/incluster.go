package kubeconfig

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/skiff-k8s/skiff/internal/files"
	"github.com/skiff-k8s/skiff/rest"
)

// ErrNotInCluster is the error of InCluster if the process does not run in a pod with a service
// account.
var ErrNotInCluster = errors.New("kubeconfig: not in a cluster")

// Where the kubelet mounts the service account, and the variables that hold the API server's
// address. Source: Kubernetes documentation, "Accessing the Kubernetes API from a Pod".
const (
	serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
	hostVariable      = "KUBERNETES_SERVICE_HOST"
	portVariable      = "KUBERNETES_SERVICE_PORT"
)

// InCluster returns the configuration of a pod's service account: the API server's address from the
// environment, the token and CA files that the kubelet renews, and the pod's namespace. It reads no
// kubeconfig.
//
// Outside a pod, and in a pod without a service account's token, the error is [ErrNotInCluster].
func InCluster() (*rest.Config, error) {
	cfg, err := system().inCluster()
	return cfg, named(err)
}

func (e environment) inCluster() (*rest.Config, error) {
	host, port := e.getenv(hostVariable), e.getenv(portVariable)
	if host == "" || port == "" {
		return nil, fmt.Errorf(
			"%w: %s and %s are not both set", ErrNotInCluster, hostVariable, portVariable)
	}
	token := filepath.Join(e.serviceAccount, "token")
	if _, err := os.Stat(token); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf(
			"%w: %s does not exist; does the pod set automountServiceAccountToken: false?",
			ErrNotInCluster, token)
	}
	ca := filepath.Join(e.serviceAccount, "ca.crt")
	for _, file := range []string{token, ca} {
		if err := files.Check(file); err != nil {
			return nil, fmt.Errorf("read the service account: %w", err)
		}
	}
	return &rest.Config{
		// JoinHostPort puts an IPv6 address into brackets.
		Host:            "https://" + net.JoinHostPort(strings.Trim(host, "[]"), port),
		TLS:             rest.TLSConfig{CAFile: ca},
		BearerTokenFile: token,
		// Inside a cluster bandwidth is cheaper than CPU time, above all the server's.
		Compression: -1,
		Namespace:   e.podNamespace(),
	}, nil
}

// podNamespace returns the namespace of the downward API if the pod has it, and otherwise that of
// the service account.
func (e environment) podNamespace() string {
	var mounted string
	namespace := filepath.Join(e.serviceAccount, "namespace")
	if data, err := files.Read(namespace, files.MaxToken); err == nil {
		mounted = strings.TrimSpace(string(data))
	}
	return cmp.Or(e.getenv("POD_NAMESPACE"), mounted, defaultNamespace)
}
