// Package client reads and writes the objects of a Go type. It needs no generated code.
//
//	cfg, err := kubeconfig.Load("")
//	if err != nil {
//		return err
//	}
//	c, err := rest.NewClient(cfg)
//	if err != nil {
//		return err
//	}
//	for pod, err := range client.Of[corev1.Pod](c).In("default").All(ctx, metav1.ListOptions{}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(pod.Name, pod.Status.Phase)
//	}
//
// The types are those of k8s.io/api, and every struct that embeds metav1.TypeMeta and
// metav1.ObjectMeta and is registered with kind.Register, such as the type of a custom resource.
//
// # Encoding and ownership
//
// Requests and answers are protobuf if the server and the Go type both support it, and JSON
// otherwise. Each returned object is the caller's own, and has its apiVersion and kind set. Get and
// the verbs that write return every field. List, All and Watch leave out metadata.managedFields,
// which is often half of an object, unless the client has the option [KeepManagedFields]. Updating
// an object that was read without managedFields does not change them.
//
// # Namespaces
//
// [Client.In] sets the namespace. Without one
//   - List, All and Watch cover all namespaces;
//   - Create, Update and Apply use the object's namespace;
//   - Get, Patch and Delete need a namespace if the type is namespaced.
//
// A namespace for a cluster-scoped type, or one that differs from the object's, is a
// [*kind.MisuseError].
//
// # Errors
//
//   - If the server refuses a request, the error is one of package apierrors: apierrors.IsNotFound,
//     apierrors.IsConflict and so on hold for it.
//   - If a call cannot be right whatever the server answers, the error is a [*kind.MisuseError],
//     and no request is sent.
//   - If the kind of the type is not known, every call returns a [*kind.UnknownError].
package client
