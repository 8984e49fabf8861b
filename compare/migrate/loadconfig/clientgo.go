// Package loadconfig reads a kubeconfig file, with the choices of kubectl's flags.
package loadconfig

import (
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ClientGo reads a context of a kubeconfig file.
func ClientGo(path, kubeContext string) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: kubeContext})
	namespace, _, err := config.Namespace()
	if err != nil {
		return nil, "", err
	}
	cfg, err := config.ClientConfig()
	return cfg, namespace, err
}
