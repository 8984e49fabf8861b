package kind

import (
	"iter"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Info identifies a kind of object to the API server: by the names in the object itself (Group,
// Version, Kind) and by those in its URL (Group, Version, Resource, Namespaced).
//
// An Info is a plain comparable value.
type Info struct {
	Group    string // "apps"; "" is the core group
	Version  string // "v1"
	Kind     string // "Deployment"
	Resource string // "deployments": the plural, lower-case name in URLs

	// Namespaced reports whether objects of this kind are in a namespace. If not, they are
	// cluster-scoped.
	Namespaced bool

	// Protobuf reports whether the server supports application/vnd.kubernetes.protobuf for this
	// kind. It is true for kinds built into the API server, and false for custom resources
	// (https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources).
	Protobuf bool
}

// GVK returns the names in the object.
func (k Info) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// GVR returns the names in the URL.
func (k Info) GVR() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

// GroupVersion returns the API that the kind belongs to.
func (k Info) GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: k.Group, Version: k.Version}
}

// APIVersion returns the value of an object's apiVersion field: "v1", "apps/v1".
func (k Info) APIVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// ListKind returns the kind of a list of such objects, such as PodList, or "" if it is not known: a
// custom resource chooses it.
func (k Info) ListKind() string {
	if !k.Protobuf {
		return ""
	}
	return k.Kind + "List"
}

// String returns the kind for messages: "v1 Pod", "apps/v1 Deployment". Compare Infos with ==.
func (k Info) String() string {
	if k == (Info{}) {
		return "no kind"
	}
	return k.APIVersion() + " " + k.Kind
}

// Of returns the kind of the Go type T, the struct. See [OfType].
func Of[T any, P Object[T]]() (Info, error) { return ofType(reflect.TypeFor[T]()) }

// OfType returns the kind of a Go type: of a built-in type of k8s.io/api, a
// CustomResourceDefinition, an APIService, or a registered type. A struct (corev1.Pod) and a
// pointer to it (*corev1.Pod) have the same kind. A type declared from another (type MyPod
// corev1.Pod) or embedding another (struct{ corev1.Pod }) has a kind only if it is registered.
//
// The error is an [*UnknownError].
func OfType(t reflect.Type) (Info, error) { return ofType(t) }

// GVKOf returns the group, version and kind of a Go type that may be no resource: those that [OfType]
// returns, or, of any other struct in a package of built-in types, the package's group and version
// and the name of the type. So it knows Scale, Eviction and TokenRequest, which are the objects of
// subresources. Of other types ok is false.
func GVKOf(t reflect.Type) (gvk schema.GroupVersionKind, ok bool) { return gvkOf(t) }

// Register makes k the kind of the Go type T, for the whole process. T is a struct type with a name
// that embeds metav1.ObjectMeta, and metav1.TypeMeta if package client is to write it. Programs
// call Register in an init function beside the type, or first in main.
//
// Several Go types may have the same kind: for example a slim Pod with the few fields that a
// program reads. Register returns an error if
//   - k is incomplete or cannot be in URLs and objects, or T is not a struct type with a name;
//   - T has another kind already, built in or registered;
//   - the group, version and kind of k are known with another resource, scope or encoding.
//
// Registering the same again is not an error. Register is safe for concurrent use with all
// functions of this package.
func Register[T any, P Object[T]](k Info) error { return register(reflect.TypeFor[T](), k) }

// ByGVK returns the kind with that group, version and kind, built in or registered.
func ByGVK(gvk schema.GroupVersionKind) (Info, bool) { return byGVK(gvk) }

// ByGVR returns the kind with that group, version and resource, built in or registered.
func ByGVR(gvr schema.GroupVersionResource) (Info, bool) { return byGVR(gvr) }

// All returns every kind: the built-in ones, by group and version, then those registered.
func All() iter.Seq[Info] { return all }
