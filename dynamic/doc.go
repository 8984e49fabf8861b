// Package dynamic reads and writes the objects of any resource, known at run time only. Objects are
// unstructured.Unstructured: JSON as maps and lists.
//
//	backups := dynamic.New(c).Resource(schema.GroupVersionResource{
//		Group: "example.com", Version: "v1", Resource: "backups",
//	})
//	for u, err := range backups.In("default").All(ctx, metav1.ListOptions{}) {
//		if err != nil {
//			return err
//		}
//		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
//		fmt.Println(u.GetName(), phase)
//	}
//
// [To] makes a typed object of an unstructured one, and [From] the reverse. Which resource a name or
// a kind means, package discovery says. Where the Go type of the objects is at hand, package client
// is easier and, for built-in types, several times faster: it speaks protobuf.
//
// # Namespaces and errors
//
// They are as in package client, with one difference: which resources are namespaced is known of the
// built-in and registered ones only. For others a namespace that is missing or too much is for the
// server to refuse, with an error for which apierrors.IsNotFound holds.
package dynamic
