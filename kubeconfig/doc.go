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
// # Options
//
// The options that begin with With choose another context, cluster, user or namespace than the files
// do, or replace a cluster's server, its authorities or the user's credentials. Each does what
// kubectl's flag of that name does, and "" is no option, so that a program can pass its flags as
// they are.
//
// # Credentials
//
// Of the credentials of a user, the first of these is used, and the others are left out:
//
//   - a token, a token file, a client certificate. A certificate is used beside a token, too;
//   - a username and a password, over TLS only;
//   - a credential plugin (exec);
//   - an auth-provider. A program that uses "oidc" imports package kubeconfig/oidc.
//
// A plugin is a program that prints an ExecCredential of client.authentication.k8s.io/v1 or v1beta1
// (Kubernetes documentation, "Authenticating", client-go credential plugins). It is not run by
// Load: [rest.Client] runs it when it sends the first request, again when its credentials expire,
// and again if the server refuses them. All requests that wait share one run.
//
// If its command holds a path separator, it is relative to the folder of the kubeconfig. Otherwise it
// is looked up in $PATH. Its standard error goes to this process's; if it fails, the end of that is in
// the error too, which is a [*PluginError]. It is killed after [DefaultPluginTimeout], or when the
// contexts of all requests that wait for it are canceled. It has standard input if that is a
// terminal and interactiveMode permits it.
//
// Processes that the plugin has started are killed with it, on Unix, if this process has no terminal.
// With a terminal, whose interrupt key reaches them, and on Windows, they go on.
//
// A kubeconfig names any program of this machine to be run. A program that loads files from
// elsewhere restricts that by [WithPlugins] or [WithoutPlugins].
//
// A user all of whose credentials are of an unknown kind is an error that names the kind. Unknown
// fields are ignored, as kubectl does.
//
// # Secrets
//
// Of a file's contents an error repeats only its kind and apiVersion, the names of entries, the
// commands and install hints of plugins, and paths. That holds for files that are not valid YAML,
// too. Of what a plugin prints it repeats only the kind and apiVersion. The end of its standard error
// is repeated without the values of the kubeconfig's env.
package kubeconfig
