// Package plugin logs in by a credential plugin.
package plugin

import (
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ClientGo reads a kubeconfig whose user has a plugin (exec). Which plugins may run is decided by the
// kubeconfig alone, or in ExecProvider.PluginPolicy.
func ClientGo(kubeconfig []byte) (*rest.Config, error) {
	return clientcmd.RESTConfigFromKubeConfig(kubeconfig)
}
