package client

import (
	"context"
	"errors"
	"iter"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
)

// Follow returns an iterator over the changes of the objects that opts select, without an end: an
// Added for each object that exists, and then what happens. [Client.Watch] is one request; Follow
// sends as many as it takes:
//   - It lists by pages of opts.Limit objects (0 means 500) and watches.
//   - When a watch ends, or breaks off, it watches on from where it was.
//   - If the server has forgotten the version (410 Gone), or is behind it after a broken watch
//     because it was restored from a backup, it lists again, and yields what has changed since,
//     because it remembers the uid and resourceVersion of each object that it has yielded. That is
//     all that it keeps in memory. A restored server that has come past the version before Follow is
//     back cannot be told from one that was not restored.
//
// So of each object there is one Added, then a Modified for each version that Follow has seen, then
// one Deleted. Versions in between may be missing after a fault. If Follow did not see a deletion
// itself, the object of the Deleted has only its name, namespace, uid and the resourceVersion that
// was yielded last.
//
// After a fault Follow pauses, longer each time up to a minute, and logs a line
// (rest.Config.Logger). An error ends the iteration, and is yielded with an Event that is zero: the
// end of ctx, an object that cannot be decoded, or, before the first list is complete, an answer
// that says that the request is wrong or forbidden. opts have no resourceVersion and no continue
// token. A consumer may take as long as it likes.
func (c *Client[T]) Follow(ctx context.Context,
	opts metav1.ListOptions) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		if c.err != nil {
			yield(Event[T]{}, c.err)
			return
		}
		each := func(t wire.EventType, object any) bool {
			return yield(Event[T]{Type: t, Object: object.(*T)}, nil)
		}
		err := follow(ctx, c.r, opts, reflect.TypeFor[T](), each)
		if err != errLeft {
			yield(Event[T]{}, err)
		}
	}
}

// errLeft is the error of a loop whose body has left it.
var errLeft = errors.New("the consumer has left the loop")

// follow is Follow without T.
func follow(ctx context.Context, r verbs.Resource, opts metav1.ListOptions, t reflect.Type,
	yield func(wire.EventType, any) bool) error {
	return r.Follow(ctx, opts, func(change verbs.Change) error {
		if change.Type == wire.Bookmark {
			return nil
		}
		object := reflect.New(t).Interface()
		if change.Object.Data == nil {
			identify(object, change.Object)
		} else if err := decode(r, change.Object, object); err != nil {
			return err
		}
		if !yield(change.Type, object) {
			return errLeft
		}
		return nil
	})
}

// identify sets what is known of an object that has gone.
func identify(object any, o wire.Object) {
	gvk := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
	object.(typed).GetObjectKind().SetGroupVersionKind(gvk)
	meta := object.(metav1.Object)
	meta.SetNamespace(o.Meta.Namespace)
	meta.SetName(o.Meta.Name)
	meta.SetUID(types.UID(o.Meta.UID))
	meta.SetResourceVersion(o.Meta.ResourceVersion)
}
