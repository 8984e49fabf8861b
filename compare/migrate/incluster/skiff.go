package incluster

import (
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff returns the configuration of the pod's service account. kubeconfig.Load("") does, too, if
// there is no kubeconfig.
func Skiff() (*rest.Config, error) {
	return kubeconfig.InCluster()
}
