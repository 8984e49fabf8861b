package kind

import (
	"iter"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Info says how the API server knows objects of one type: the names that stand in the object itself
// (Group, Version, Kind) and those that stand in its URL (Group, Version, Resource, and whether a
// namespace comes before it).
//
// An Info is a plain comparable value.
type Info struct {
	Group    string // "apps"; "" is the core group
	Version  string // "v1"
	Kind     string // "Deployment"
	Resource string // "deployments": the plural, lower-case name in URLs

	// Namespaced says that objects of this kind live in a namespace; otherwise they are
	// cluster-scoped.
	Namespaced bool

	// Protobuf says that the server speaks application/vnd.kubernetes.protobuf for this kind. True
	// for what the API server has built in, false for custom resources, which it only knows as JSON
	// (https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources).
	Protobuf bool
}

// GVK returns the names that stand in the object.
func (k Info) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// GVR returns the names that stand in the URL.
func (k Info) GVR() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

// GroupVersion returns the API the kind belongs to.
func (k Info) GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: k.Group, Version: k.Version}
}

// APIVersion returns what stands in an object's apiVersion field: "v1", "apps/v1".
func (k Info) APIVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// String returns the kind as people read it in messages: "v1 Pod", "apps/v1 Deployment". It is
// meant for people; compare Infos with ==.
func (k Info) String() string {
	if k == (Info{}) {
		return "no kind"
	}
	return k.APIVersion() + " " + k.Kind
}

// Of returns the kind of the Go type T, the struct. See [OfType].
func Of[T any, P Object[T]]() (Info, error) { return ofType(reflect.TypeFor[T]()) }

// OfType returns the kind of a Go type: a built-in type of k8s.io/api, a
// CustomResourceDefinition or an APIService, or a type that [Register] was told of.
//
// One pointer is looked through, so that the type of a runtime.Object (*corev1.Pod) and the struct
// (corev1.Pod) are the same kind. An alias is its type. A type declared from another
// (type MyPod corev1.Pod) or embedding another (struct{ corev1.Pod }) is a type of its own, which
// has a kind only when registered.
//
// The error is an [*UnknownError].
func OfType(t reflect.Type) (Info, error) { return ofType(t) }

// Register makes k the kind of the Go type T, for the whole process. T is a struct type with a name
// that embeds metav1.ObjectMeta, and metav1.TypeMeta if package client is to write it. Programs call
// Register in an init function beside the type, or first in main.
//
// Several Go types may have the same kind: for example a slim Pod with the few fields that a program
// reads. Register returns an error if
//   - k is incomplete or not as it stands in URLs and objects, or T is not a struct type with a name;
//   - T has another kind already, built in or registered;
//   - the group, version and kind of k are known with another resource, scope or encoding.
//
// Registering the same again is not an error. Register is safe for concurrent use with all functions
// of this package.
func Register[T any, P Object[T]](k Info) error { return register(reflect.TypeFor[T](), k) }

// ByGVK returns the kind with that group, version and kind, built in or registered.
func ByGVK(gvk schema.GroupVersionKind) (Info, bool) { return byGVK(gvk) }

// ByGVR returns the kind with that group, version and resource, built in or registered.
func ByGVR(gvr schema.GroupVersionResource) (Info, bool) { return byGVR(gvr) }

// All returns every kind: the built-in ones, by group and version, then those registered.
func All() iter.Seq[Info] { return all }
