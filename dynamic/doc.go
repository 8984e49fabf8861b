// Package dynamic reads and writes the objects of any resource, without a Go type. Objects are of
// type unstructured.Unstructured: JSON as maps and lists.
//
//	backups := dynamic.New(c).Resource(schema.GroupVersionResource{
//		Group: "example.com", Version: "v1", Resource: "backups",
//	})
//	for u, err := range backups.Namespace("default").All(ctx, metav1.ListOptions{}) {
//		if err != nil {
//			return err
//		}
//		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
//		fmt.Println(u.GetName(), phase)
//	}
//
// [To] converts an unstructured object to a typed one, and [From] the reverse. Package discovery
// returns the resource of a name or a kind. If the program has the Go type of the objects, package
// client is easier to use. For built-in types it is several times faster too, because it uses
// protobuf.
//
// [Decode] reads the objects of a file as kubectl apply takes it, and [ApplyAll] applies them.
//
// # Namespaces and errors
//
// Namespaces and errors are as in package client, with one difference. The scope is known for
// built-in and registered resources only. For other resources the server refuses a namespace that
// is missing or too much, with an error for which apierrors.IsNotFound holds.
package dynamic
