package informer

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/kind"
)

// Query chooses objects of a cache. An object has to meet all fields that are set; the zero Query
// chooses every object.
type Query struct {
	// Namespace chooses the objects of one namespace; "" means all that the informer has. A
	// namespace for a cluster-scoped resource, or another than the one that the informer is
	// confined to, is a *kind.MisuseError.
	Namespace string
	// Labels chooses the objects whose labels match; nil means all. It is called without a lock, at
	// least once for each set of labels, and may use the informer.
	Labels labels.Selector
	// Index and Value choose the objects that an index finds under a value: NamespaceIndex,
	// OwnerIndex, or one that AddIndex or AddFieldIndex added. If there is no such index, the error
	// is a *store.UnknownIndexError. "" means no index; a Value without an Index is a
	// *kind.MisuseError.
	Index, Value string
}

// checkName returns the error of a read of one object by namespace and name; nil if they may be
// right.
func (s *shared) checkName(verb, namespace, name string) error {
	problem := ""
	switch {
	case s.mistake != nil:
		return s.mistake
	case s.kind.Namespaced && namespace == "":
		problem = s.kind.Resource + ` are namespaced and no namespace was given; a key is "namespace/name"`
	default:
		problem = s.wrongNamespace(namespace)
	}
	switch {
	case problem != "":
	case name == "":
		problem = "the name is empty"
	case strings.Contains(name, "/"):
		problem = "a name has no slash"
	default:
		return nil
	}
	return &kind.MisuseError{Verb: verb, Resource: s.kind.GVR().GroupResource().String(),
		Name: name, Problem: problem}
}

// checkQuery returns the error of q; nil if there is none. It clears q.Namespace if the informer is
// confined to that namespace, because selecting by it takes time.
func (s *shared) checkQuery(verb string, q *Query) error {
	if s.mistake != nil {
		return s.mistake
	}
	problem := s.wrongNamespace(q.Namespace)
	if q.Value != "" && q.Index == "" {
		problem = fmt.Sprintf("the query has the value %q and no index", q.Value)
	}
	if problem != "" {
		return &kind.MisuseError{Verb: verb, Resource: s.kind.GVR().GroupResource().String(),
			Problem: problem}
	}
	if q.Namespace == s.config.namespace {
		q.Namespace = ""
	}
	return nil
}

func (s *shared) wrongNamespace(namespace string) string {
	switch {
	case namespace == "":
	case !s.kind.Namespaced:
		return fmt.Sprintf("namespace %q given, but the resource is cluster-scoped", namespace)
	case s.feeds.of(namespace) == nil:
		return fmt.Sprintf("namespace %q given, but this informer caches namespace %s only",
			namespace, quoted(s.config.namespace))
	}
	return ""
}
