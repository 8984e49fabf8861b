// Package kubeconfig finds and reads kubeconfig files and turns one of their contexts into a
// [rest.Config].
//
//	cfg, err := kubeconfig.Load("") // $KUBECONFIG, ~/.kube/config, then in-cluster
//	if err != nil {
//		return err
//	}
//	c, err := rest.NewClient(cfg)
//
// # Which file
//
// A path given to [Load] is the only file, and must exist. Without one the rules are kubectl's: the
// files of $KUBECONFIG if it is set, ~/.kube/config if not, and a pod's service account if neither
// holds anything. Files of $KUBECONFIG that do not exist are left out. For each named cluster,
// user and context the first file that has it counts, entire; current-context is that of the first
// file that sets it. A relative path in a file starts at that file's folder.
//
// # What is not supported yet
//
// Credential plugins (exec, auth-provider) and proxy-url: a context that needs one is an error that
// says so. User names with passwords stay an error: Kubernetes took them out in 1.19. Fields that
// are not known are ignored, as kubectl does.
//
// # Secrets
//
// No error repeats what a file holds beyond the names of its entries, not even a file that is no
// YAML at all.
package kubeconfig
