package client

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Metadata returns a client of the metadata of a resource's objects, of any kind, custom resources
// too. The server sends the metadata without the rest, in protobuf: an object of 6 KB takes 1 KB.
//
//	k, _ := kind.Of[corev1.Secret]()
//	for secret, err := range client.Metadata(c, k).All(ctx, metav1.ListOptions{}) {
//
// k needs a Version and a Resource; package discovery returns those of a name. The objects have the
// apiVersion meta.k8s.io/v1 and the kind PartialObjectMetadata. Patch changes an object and returns
// its metadata. Create, Update and Apply return a [*kind.MisuseError]: metadata is not a whole
// object.
func Metadata(c *rest.Client, k kind.Info, opts ...Option) *Client[metav1.PartialObjectMetadata] {
	out := Of[metav1.PartialObjectMetadata](c, append(opts[:len(opts):len(opts)], WithKind(k))...)
	if k.Version == "" || k.Resource == "" {
		out.err = &kind.MisuseError{Verb: "use", Resource: k.GVR().GroupResource().String(),
			Problem: "the kind.Info needs a Version and a Resource"}
		return out
	}
	out.r = metadataOf(out.r)
	return out
}

func metadataOf(r verbs.Resource) verbs.Resource {
	r.As, r.Format = "PartialObjectMetadata", wire.Protobuf
	r.Whole = r.Whole && r.Kind.Kind != ""
	return r
}
