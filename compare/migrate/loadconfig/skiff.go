package loadconfig

import (
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff reads a context of a kubeconfig file.
func Skiff(path, kubeContext string) (*rest.Config, string, error) {
	config, err := kubeconfig.Open(path, kubeconfig.WithContext(kubeContext))
	if err != nil {
		return nil, "", err
	}
	return config.REST, config.Namespace, nil
}
