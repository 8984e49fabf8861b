// Package incluster makes the configuration of a program that runs in a pod.
package incluster

import (
	"k8s.io/client-go/rest"
)

// ClientGo returns the configuration of the pod's service account.
func ClientGo() (*rest.Config, error) {
	return rest.InClusterConfig()
}
