// Package verbs is what the typed client and the dynamic client have in common: which requests a
// verb of the Kubernetes API makes on a resource, what must be true before one is sent, and who is
// told of the writes. Objects enter as what package rest encodes and leave as bytes, so that
// nothing here depends on a type: the generic code of package client stays thin, and a program that
// uses fifty types links this once.
package verbs

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Resource is where requests go: a resource of a server, in one namespace or in none. It is a value
// and is not changed by its methods.
type Resource struct {
	Rest *rest.Client

	// Kind is what is known of the resource. Its group, version and resource are.
	Kind kind.Info
	// Whole says that Kind's scope and kind are known too.
	Whole bool

	Format            wire.Format // of requests and answers
	Namespace         string      // "" for all of them, or for none
	KeepManagedFields bool        // in lists and watches
}

// String names the resource as kubectl does: pods, deployments.apps.
func (r Resource) String() string {
	if r.Kind.Group == "" {
		return r.Kind.Resource
	}
	return r.Kind.Resource + "." + r.Kind.Group
}

// options are those to read single objects with. They are whole: what is read to be written back
// must not lose anything, and a write's answer shows who manages what.
func (r Resource) options() wire.Options {
	return wire.Options{KeepManagedFields: true, APIVersion: r.Kind.APIVersion(), Kind: r.Kind.Kind}
}

// streamOptions are those to read lists and watches with.
func (r Resource) streamOptions() wire.Options {
	o := r.options()
	o.KeepManagedFields = r.KeepManagedFields
	return o
}

// gvk is what the body of a request is, as far as known.
func (r Resource) gvk() schema.GroupVersionKind { return r.Kind.GVK() }

// to addresses a request that Rest.Verb has begun.
func (r Resource) to(req *rest.Request) *rest.Request {
	return req.GroupVersion(r.Kind.GroupVersion()).Namespace(r.Namespace).Resource(r.Kind.Resource).Format(r.Format)
}

func (r Resource) misuse(verb, name, format string, args ...any) error {
	return &kind.MisuseError{Verb: verb, Resource: r.String(), Name: name, Problem: fmt.Sprintf(format, args...)}
}

// one checks that a request can be about one object, and says where in the API that is.
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
		return r, r.misuse(verb, name, "%s are namespaced and no namespace was given: say which one by In(namespace)", r.Kind.Resource)
	case !r.Kind.Namespaced && r.Namespace != "":
		return r, r.misuse(verb, name, "%s are cluster-scoped and In(%q) was given: leave it out", r.Kind.Resource, r.Namespace)
	}
	return r, nil
}

// Sent is an object on its way to the server.
type Sent struct {
	Value           any // what package rest encodes
	Namespace, Name string
	GenerateName    string
	GVK             schema.GroupVersionKind // what it says it is; fields are empty where it does not
}

// place checks that an object can be written here, and says where in the API it belongs: where In
// says, or else where the object itself says.
func (r Resource) place(verb string, s Sent, sub []string) (Resource, error) {
	if r.Namespace != "" && s.Namespace != "" && r.Namespace != s.Namespace {
		return r, r.misuse(verb, s.Name, "the object is of namespace %q and In(%q) was given: they must agree, or one be left out",
			s.Namespace, r.Namespace)
	}
	if r.Whole && !r.Kind.Namespaced && s.Namespace != "" {
		return r, r.misuse(verb, s.Name, "%s are cluster-scoped and the object's metadata.namespace is %q: leave it empty",
			r.Kind.Resource, s.Namespace)
	}
	if r.Namespace == "" {
		r.Namespace = s.Namespace
	}
	if r.Whole && r.Kind.Namespaced && r.Namespace == "" {
		return r, r.misuse(verb, s.Name, "%s are namespaced and no namespace was given: say which one by In(namespace) or in the object's metadata.namespace",
			r.Kind.Resource)
	}
	if err := r.isOfKind(verb, s, sub); err != nil {
		return r, err
	}
	return r.inScope(verb, s.Name, true)
}

// isOfKind checks what an object says it is. What it does not say is filled in when it is encoded, if
// that is known.
func (r Resource) isOfKind(verb string, s Sent, sub []string) error {
	gv := s.GVK.GroupVersion()
	switch {
	case other(sub):
		if s.GVK.Kind == "" {
			return r.misuse(verb, s.Name, "the object for %s does not say its kind: set apiVersion and kind", strings.Join(sub, "/"))
		}
	case !r.Whole && s.GVK.Kind == "":
		return r.misuse(verb, s.Name, "the object does not say its kind: set apiVersion and kind")
	case gv != (schema.GroupVersion{}) && gv != r.Kind.GroupVersion():
		return r.misuse(verb, s.Name, "the object says apiVersion %s, and this client writes %s", gv, r.Kind.APIVersion())
	case r.Whole && s.GVK.Kind != "" && s.GVK.Kind != r.Kind.Kind:
		return r.misuse(verb, s.Name, "the object says kind %s, and this client writes %s", s.GVK.Kind, r.Kind.Kind)
	}
	return nil
}

// other says that a subresource has objects of another kind: all have but the status, which is the
// object itself.
func other(sub []string) bool { return len(sub) > 0 && (len(sub) > 1 || sub[0] != "status") }

// named is place for what must exist already, and so has a name.
func (r Resource) named(verb string, s Sent, sub []string) (Resource, error) {
	if s.Name == "" {
		return r, r.misuse(verb, "", "the object's metadata.name is empty")
	}
	return r.place(verb, s, sub)
}

// nameless says that objects of a kind have no name: they are questions, answered and forgotten.
func nameless(kind string) bool { return strings.HasSuffix(kind, "Review") }
