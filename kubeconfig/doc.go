// Package kubeconfig turns a context of a kubeconfig, or a pod's service account, into a
// [rest.Config].
//
//	cfg, err := kubeconfig.Load("") // $KUBECONFIG, ~/.kube/config, then in-cluster
//	if err != nil {
//		return err
//	}
//	c, err := rest.NewClient(cfg)
//
// [Open] does the same and returns the names of the context, its cluster and its user as well.
// [Parse] reads a kubeconfig that is not in a file. [InCluster] uses a pod's service account only.
//
// # Which files are read
//
// If a path is given, that file is read and no other. It must exist. Otherwise the rules are
// kubectl's (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files"):
//
//   - If $KUBECONFIG is set, its files are read. Files that do not exist are skipped.
//   - If it is not set, ~/.kube/config is read.
//   - If none of these files holds an entry, the pod's service account is used.
//
// Several files are merged:
//
//   - For each name of a cluster, user or context, the first file that has it provides the whole
//     entry.
//   - The first file that sets current-context provides it.
//   - A relative path in a file is relative to that file's folder.
//
// # The namespace
//
// The namespace is, in this order, that of [WithNamespace], that of the context, and "default". In
// a pod it is that of [WithNamespace], that of the environment variable POD_NAMESPACE, that of the
// service account, and "default".
//
// # Not supported yet
//
// A context that needs a credential plugin (exec, auth-provider) or a proxy-url is an error that
// names it. A user with nothing but a password is an error, because Kubernetes 1.19 removed password
// authentication. If the user has a token or a client certificate as well, that is used. Unknown
// fields are ignored, as kubectl does.
//
// # Secrets
//
// Of a file's contents an error repeats only its kind and apiVersion, the names of entries, the
// commands of plugins, and paths. That holds for files that are not valid YAML, too.
package kubeconfig
