// Package kubeconfig finds and reads kubeconfig files and turns one of their contexts into a
// [rest.Config].
//
//	cfg, err := kubeconfig.Load("") // $KUBECONFIG, ~/.kube/config, then in-cluster
package kubeconfig
