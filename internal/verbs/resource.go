// Package verbs is the common part of the typed client and the dynamic client: the request of each
// verb of the Kubernetes API, the checks before it is sent, and the calls of write observers.
// Objects enter as values that package rest encodes, and leave as bytes. Its types do not depend on
// the object's type: a program that uses fifty types links them once.
package verbs

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Resource is the target of requests: a resource of a server, in one namespace or in none. It is a
// value, and its methods do not change it.
type Resource struct {
	Rest *rest.Client

	// Kind has a group, a version and a resource.
	Kind kind.Info
	// Whole reports whether the kind and scope in Kind are known too.
	Whole bool

	// SubKind is the kind of the objects of a subresource, if it is another kind and known.
	SubKind schema.GroupVersionKind

	// As is the kind of meta.k8s.io/v1 that the server converts its answers to; "" if to none.
	As string

	answer string // the kind of the object that is written, if Kind has none

	Format            wire.Format // of requests and answers
	Namespace         string      // "" for all of them, or for none
	KeepManagedFields bool        // in lists and watches
	Defaults          Defaults    // of the options of writes
}

// String names the resource as kubectl does: pods, deployments.apps.
func (r Resource) String() string {
	if r.Kind.Group == "" {
		return r.Kind.Resource
	}
	return r.Kind.Resource + "." + r.Kind.Group
}

// options returns the options for reading single objects. They keep every field: an object that is
// read and written back must not lose any. An answer of another type is an error.
func (r Resource) options() wire.Options {
	if r.As != "" {
		return wire.Options{KeepManagedFields: true, Strict: true,
			APIVersion: metav1.SchemeGroupVersion.String(), Kind: r.As, ListKind: r.As + "List"}
	}
	return wire.Options{KeepManagedFields: true, Strict: true,
		APIVersion: r.Kind.APIVersion(), Kind: r.Kind.Kind, ListKind: r.Kind.ListKind()}
}

// streamOptions returns the options for reading lists and watches.
func (r Resource) streamOptions() wire.Options {
	o := r.options()
	o.KeepManagedFields = r.KeepManagedFields
	return o
}

// gvk returns the kind of a request's body, as far as it is known.
func (r Resource) gvk() schema.GroupVersionKind { return r.Kind.GVK() }

// to sets the target of a request.
func (r Resource) to(req *rest.Request) *rest.Request {
	return req.GroupVersion(r.Kind.GroupVersion()).Namespace(r.Namespace).
		Resource(r.Kind.Resource).Format(r.Format).As(r.As)
}

// Answer returns the kind of the objects that are read.
func (r Resource) Answer() schema.GroupVersionKind {
	if r.As != "" {
		return metav1.SchemeGroupVersion.WithKind(r.As)
	}
	return r.Kind.GVK()
}

func (r Resource) misuse(verb, name, format string, args ...any) error {
	return &kind.MisuseError{Verb: verb, Resource: r.String(), Name: name,
		Problem: fmt.Sprintf(format, args...)}
}

// one checks a request for one object, and returns its target.
func (r Resource) one(verb, name string) (Resource, error) {
	if name == "" {
		return r, r.misuse(verb, name, "the name is empty")
	}
	return r.inScope(verb, name, true)
}

// inScope checks the namespace against what is known of the resource's scope.
func (r Resource) inScope(verb, name string, one bool) (Resource, error) {
	switch {
	case !r.Whole:
	case r.Kind.Namespaced && r.Namespace == "" && one:
		return r, r.misuse(verb, name,
			"%s are namespaced and no namespace was given: use In(namespace)", r.Kind.Resource)
	case !r.Kind.Namespaced && r.Namespace != "":
		return r, r.misuse(verb, name, "%s are cluster-scoped and In(%q) was given: leave it out",
			r.Kind.Resource, r.Namespace)
	}
	return r, nil
}

// Sent is an object on its way to the server.
type Sent struct {
	Value           any // what package rest encodes
	Namespace, Name string
	GenerateName    string
	GVK             schema.GroupVersionKind // its apiVersion and kind; may be empty
}

// place checks that an object can be written to r, and returns the target of the request. Its
// namespace is the client's, or else the object's.
func (r Resource) place(verb string, s Sent, sub []string) (Resource, error) {
	if r.Namespace != "" && s.Namespace != "" && r.Namespace != s.Namespace {
		return r, r.misuse(verb, s.Name,
			"the object is in namespace %q and In(%q) was given: use one of them, or the same",
			s.Namespace, r.Namespace)
	}
	if r.Whole && !r.Kind.Namespaced && s.Namespace != "" {
		return r, r.misuse(verb, s.Name,
			"%s are cluster-scoped and the object's metadata.namespace is %q: leave it empty",
			r.Kind.Resource, s.Namespace)
	}
	if r.Namespace == "" {
		r.Namespace = s.Namespace
	}
	if r.Whole && r.Kind.Namespaced && r.Namespace == "" {
		return r, r.misuse(verb, s.Name, "%s are namespaced and no namespace was given: use "+
			"In(namespace), or set the object's metadata.namespace",
			r.Kind.Resource)
	}
	if err := r.isOfKind(verb, s, sub); err != nil {
		return r, err
	}
	return r.inScope(verb, s.Name, true)
}

// isOfKind checks the object's apiVersion and kind, if it has them. If they are missing and known,
// encoding sets them.
func (r Resource) isOfKind(verb string, s Sent, sub []string) error {
	gv := s.GVK.GroupVersion()
	switch {
	case !r.OwnKind(sub):
		if s.GVK.Kind == "" {
			return r.misuse(verb, s.Name, "the object for %s has no kind: set apiVersion and kind",
				strings.Join(sub, "/"))
		}
	case !r.Whole && s.GVK.Kind == "":
		return r.misuse(verb, s.Name, "the object has no kind: set apiVersion and kind")
	case gv != (schema.GroupVersion{}) && gv != r.Kind.GroupVersion():
		return r.misuse(verb, s.Name, "the object's apiVersion is %s, and this client writes %s",
			gv, r.Kind.APIVersion())
	case r.Whole && s.GVK.Kind != "" && s.GVK.Kind != r.Kind.Kind:
		return r.misuse(verb, s.Name, "the object's kind is %s, and this client writes %s",
			s.GVK.Kind, r.Kind.Kind)
	}
	return nil
}

// ownKind are the subresources whose objects are of the resource's own kind. A custom resource has
// the status only (https://kubernetes.io/docs/reference/using-api/api-concepts/).
var ownKind = []string{"status", "approval", "ephemeralcontainers", "finalize", "resize"}

// OwnKind reports whether a subresource has objects of the resource's own kind.
func (r Resource) OwnKind(sub []string) bool {
	switch {
	case len(sub) == 0 || len(sub) == 1 && sub[0] == "status":
		return true
	case len(sub) == 1 && r.Kind.Protobuf:
		return slices.Contains(ownKind, sub[0])
	}
	return false
}

// named is place for an object that must exist already, and so has a name.
func (r Resource) named(verb string, s Sent, sub []string) (Resource, error) {
	if s.Name == "" {
		return r, r.misuse(verb, "", "the object's metadata.name is empty")
	}
	return r.place(verb, s, sub)
}

// At checks an object that exists, and returns the target of requests for it.
func (r Resource) At(verb string, s Sent) (Resource, error) { return r.named(verb, s, nil) }

// nameless reports whether objects of a kind have no name: the server answers reviews and keeps
// none.
func nameless(kind string) bool { return strings.HasSuffix(kind, "Review") }
