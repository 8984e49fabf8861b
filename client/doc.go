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
// the verbs that write return every field. List, All, Watch, Follow and WaitFor leave out
// metadata.managedFields, which is often half of an object, unless the client has the option
// [KeepManagedFields]. Updating an object that was read without managedFields does not change them.
//
// # Namespaces
//
// [Client.In] sets the namespace. Without one
//   - List, All, Watch and Follow cover all namespaces;
//   - Create, Update, Apply, Finalizer and AdoptFields use the object's namespace;
//   - Get, Patch, Modify, WaitFor and Delete need a namespace if the type is namespaced.
//
// A namespace for a cluster-scoped type, or one that differs from the object's, is a
// [*kind.MisuseError].
//
// # Which verb
//
//   - [Client.Modify] changes some fields of an object that others write, too. Fields that the Go
//     type lacks stay. [Client.Update] replaces the object, and drops them.
//   - [Client.Apply] states what fields should be, and owns them. [Extract] returns what a program
//     owns. [Client.AdoptFields] makes what was written otherwise its own. [ApplyConfiguration] is
//     for the apply configurations of client-go.
//   - [Client.CreateOrModify] creates the object if there is none.
//   - [Client.Finalizer] adds or removes one finalizer, whatever others do to the object.
//   - [Client.WaitFor] returns when one object is in a state; package client/wait has the states.
//   - [Client.All] reads many objects, [Client.Follow] tells what happens to them. [Client.Watch] is
//     one request, which package informer, Follow and WaitFor repeat.
//
// Options such as [Strict], [Manager] and [DryRun] are defaults of a client's writes.
//
// # Errors
//
//   - If the server refuses a request, the error is one of package apierrors: apierrors.IsNotFound,
//     apierrors.IsConflict and so on hold for it.
//   - If a call cannot be right whatever the server answers, the error is a [*kind.MisuseError],
//     and no request is sent.
//   - If the kind of the type is not known, every call returns a [*kind.UnknownError].
package client
