package kubeconfig

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/skiff-k8s/skiff/rest"
)

// ErrNotInCluster says that the process does not run in a pod with a service account.
var ErrNotInCluster = errors.New("not in a cluster")

// Where the kubelet mounts the service account and announces the API server. Source: Kubernetes
// documentation, "Accessing the Kubernetes API from a Pod".
const (
	serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"
	hostVariable      = "KUBERNETES_SERVICE_HOST"
	portVariable      = "KUBERNETES_SERVICE_PORT"
)

// InCluster is the configuration of a pod's service account: the token and CA files that the
// kubelet keeps up to date, and the pod's namespace. Outside a pod it returns an error that is
// ErrNotInCluster.
func InCluster() (*rest.Config, error) {
	cfg, err := system().inCluster()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return cfg, nil
}

func (e environment) inCluster() (*rest.Config, error) {
	host, port := e.getenv(hostVariable), e.getenv(portVariable)
	if host == "" || port == "" {
		return nil, fmt.Errorf("%w: %s and %s are not both set", ErrNotInCluster, hostVariable, portVariable)
	}
	token := filepath.Join(e.serviceAccount, "token")
	if _, err := os.Stat(token); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s; does the pod set automountServiceAccountToken: false?", ErrNotInCluster, token)
	}
	for _, file := range []string{token, filepath.Join(e.serviceAccount, "ca.crt")} {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("in-cluster: the service account's files: %w", err)
		}
		_ = f.Close()
	}
	return &rest.Config{
		// JoinHostPort puts an IPv6 address into brackets.
		Host:            "https://" + net.JoinHostPort(strings.Trim(host, "[]"), port),
		TLS:             rest.TLSConfig{CAFile: filepath.Join(e.serviceAccount, "ca.crt")},
		BearerTokenFile: token,
		// Beside the server bandwidth is cheaper than CPU, its own above all.
		DisableCompression: true,
		Namespace:          e.podNamespace(),
	}, nil
}

// podNamespace is that of the downward API if the pod has it, else the service account's.
func (e environment) podNamespace() string {
	var mounted string
	if data, err := os.ReadFile(filepath.Join(e.serviceAccount, "namespace")); err == nil {
		mounted = strings.TrimSpace(string(data))
	}
	return cmp.Or(e.getenv("POD_NAMESPACE"), mounted, defaultNamespace)
}
