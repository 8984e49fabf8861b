package informer

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
)

// Metadata returns the factory's informer of the metadata of a resource's objects, of any kind. The
// server sends the metadata without the rest, in protobuf, and that is what the cache holds: an
// informer for controllers that look at labels, annotations, owners and finalizers only. It is the
// source of a controller as any other informer, with the kind k.
//
// It is like For in everything else; a kind without Version or Resource is a mistake. It shares no
// cache with For of the same resource.
func Metadata(f *Factory, k kind.Info, opts ...Option) *Informer[metav1.PartialObjectMetadata] {
	return newInformer[metav1.PartialObjectMetadata](f, k, reflect.TypeFor[metav1.PartialObjectMetadata](),
		incomplete(k), append(opts[:len(opts):len(opts)], option(func(c *config) {
			c.as = "PartialObjectMetadata"
		})))
}

// incomplete returns an error for a kind that has no path.
func incomplete(k kind.Info) error {
	if k.Version != "" && k.Resource != "" {
		return nil
	}
	return &kind.MisuseError{Verb: "make informer of",
		Resource: k.GVR().GroupResource().String(),
		Problem:  "the kind.Info needs a Version and a Resource"}
}
