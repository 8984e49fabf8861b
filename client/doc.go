// Package client reads and writes the objects of one Go type. No code is generated for it: the type
// is enough.
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
// The types are those of k8s.io/api and any other struct with metav1.TypeMeta and metav1.ObjectMeta
// that kind.Register was told of, such as the types of custom resources.
//
// # What goes over the wire
//
// Protobuf where the server and the Go type both have it, JSON elsewhere. Whatever is returned is
// the caller's own to change, and says its apiVersion and kind. Get and the verbs that write return
// objects whole; List, All and Watch leave out metadata.managedFields, often half of an object,
// unless the client was made with [KeepManagedFields]. (To update an object that came without them
// leaves them as they are.)
//
// # Namespaces
//
// A client works in the namespace that [Client.In] says. Without one, List, All and Watch cover all
// namespaces; Create, Update and Apply take the namespace from the object; Get, Patch and Delete
// need one if the type is namespaced. A namespace for a cluster-scoped type, or one that is not the
// object's, is a [*kind.MisuseError]: nothing is sent.
//
// # Errors
//
// What the server refuses is an error for which apierrors.IsNotFound, apierrors.IsConflict and
// their kin hold. A call that cannot be right whatever the server thinks is a [*kind.MisuseError]. A type
// that has no known kind gives a [*kind.UnknownError], at the first call.
package client
