package remote

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var core = schema.GroupVersion{Version: "v1"}

// pod is the pod that a call is about.
type pod struct {
	client          *rest.Client
	namespace, name string
}

// podOf returns the pod of a call. A missing namespace or name is a mistake.
func podOf(verb string, c *rest.Client, namespace, name string) (pod, error) {
	switch {
	case namespace == "":
		return pod{}, misuse(verb, name, "the namespace is missing: pods are in namespaces")
	case name == "":
		return pod{}, misuse(verb, "", "the name of the pod is missing")
	}
	return pod{client: c, namespace: namespace, name: name}, nil
}

func misuse(verb, name, problem string) error {
	return &kind.MisuseError{Verb: verb, Resource: "pods", Name: name, Problem: problem}
}

// get returns a request for a subresource of the pod.
func (p pod) get(subresource string) *rest.Request {
	return p.client.GroupVersion(core).Get().Namespace(p.namespace).Resource("pods").Name(p.name).
		SubResource(subresource)
}

func (p pod) String() string { return "pod " + p.namespace + "/" + p.name }
