package plugin

import (
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff reads a kubeconfig whose user has a plugin (exec). No other plugin than the ones named runs;
// WithoutPlugins permits none.
func Skiff(data []byte, plugins ...string) (*rest.Config, error) {
	config, err := kubeconfig.Parse(data, kubeconfig.WithPlugins(plugins...))
	if err != nil {
		return nil, err
	}
	return config.REST, nil
}
