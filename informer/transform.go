package informer

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// Transform calls f with each object as it arrives, before it is cached and handlers are called.
// What f leaves in the object is what all readers of this informer see. If f returns false, the
// object is dropped, as if a selector did not match it: it is not cached, and if it was cached
// before, handlers get a deletion with the cached state.
//
//	pods := informer.For[corev1.Pod](factory, informer.Transform(func(pod *corev1.Pod) bool {
//		pod.Spec.Volumes, pod.Annotations = nil, nil
//		return pod.Spec.NodeName != ""
//	}))
//
// T must be the informer's Go type: of ForResource unstructured.Unstructured, of Metadata
// metav1.PartialObjectMetadata. An informer of another type cannot run (see For), so the option is
// for one informer, or for a factory whose informers are all of T. [TransformBytes] takes any type.
//
// The object is f's own: f may change and keep it. Each object is decoded and encoded again, which
// takes many times as long as caching it. To leave fields out, [Drop] costs next to nothing.
//
// These rules hold for both forms:
//
//   - Namespace, name, uid, resourceVersion and the object's kind must stay. Labels, owners,
//     finalizers and deletionTimestamp may change; the cache, its indexes and handlers see only the
//     changed ones. The selectors of the options are applied by the server before.
//   - If f panics, if it changes what must stay, or if the object cannot be decoded or encoded, the
//     object is cached as the server sent it: a cache that holds too much is right, and one that lacks
//     an object looks like a deletion. The error names the object and is reported (see OnError), at
//     most once a minute, with the number of failures since.
//   - f is called once for each object that arrives, in the order of the stream, one call at a time
//     and under no lock. An object arrives again with each list and each event. f delays the events
//     behind it, and must not wait for the informer.
//   - The result must depend on nothing but the object. After a list, the cache compares what f
//     leaves now with what it left before, and handlers get an update if it differs.
//   - Versions are the server's: WaitFor for the version of a dropped object's write returns as for
//     any other.
//   - [Drop] and the dropping of managedFields come first: f does not see those fields.
//
// Do not write back an object that f has changed: an Update would delete on the server what f left
// out, and nothing can tell such an object from one that was never changed. Send a patch of the fields
// that you mean, an apply, or client.Modify, which reads the object from the server first.
//
// Informers share a cache if they were given the same Option. Each call of Transform returns
// another one. Transform for one informer replaces the factory's; nil removes it.
func Transform[T any](f func(object *T) (keep bool)) Option {
	if f == nil {
		return setTransform(nil)
	}
	t := reflect.TypeFor[T]()
	return setTransform(newTransform(t, func(o wire.Object) ([]byte, bool, error) {
		object := new(T)
		if err := wire.Decode(o, object); err != nil {
			return nil, false, err
		}
		if !f(object) {
			return nil, false, nil
		}
		data, err := wire.Encode(object, o.Format, o.APIVersion, o.Kind)
		return data, true, err
	}))
}

// TransformBytes is [Transform] for an object's bytes, for informers of any type. f returns the
// bytes to cache, in o's format (JSON, or protobuf without or with its envelope), and whether to keep
// the object. f must not change o.Data, nor keep it after it returns; it may return it, or a part.
//
// To cache chosen fields only, make them once with fieldpath.New:
//
//	kept, err := fieldpath.New(reflect.TypeFor[corev1.Pod](), "metadata", "spec.nodeName")
//	...
//	informer.TransformBytes(func(o wire.Object) ([]byte, bool) {
//		some, err := o.Keep(kept, nil)
//		if err != nil {
//			return o.Data, true
//		}
//		return some.Data, true
//	})
//
// The rules are those of Transform.
func TransformBytes(f func(o wire.Object) (data []byte, keep bool)) Option {
	if f == nil {
		return setTransform(nil)
	}
	return setTransform(newTransform(nil, func(o wire.Object) ([]byte, bool, error) {
		data, keep := f(o)
		return data, keep, nil
	}))
}

// transform is what an Option of Transform holds. Its functions are fields, so that programs
// without the option do not link them.
type transform struct {
	check func(reflect.Type) error              // that it takes the objects of an informer
	of    func(*shared) func(*wire.Object) bool // what an informer calls
}

func setTransform(t *transform) Option { return option(func(c *config) { c.transform = t }) }

// newTransform returns the transform for a Go type, nil for all, that change makes.
func newTransform(t reflect.Type, change func(wire.Object) ([]byte, bool, error)) *transform {
	return &transform{
		check: func(of reflect.Type) error {
			if of == nil {
				of = reflect.TypeFor[unstructured.Unstructured]()
			}
			if t == nil || t == of {
				return nil
			}
			return &kind.MisuseError{Verb: "make informer of", Resource: of.String(),
				Problem: "its Transform takes a *" + t.String()}
		},
		of: func(s *shared) func(*wire.Object) bool {
			return (&transformer{informer: s, change: change}).apply
		},
	}
}

// transformer applies a transform to the objects of one informer.
type transformer struct {
	informer *shared
	change   func(wire.Object) ([]byte, bool, error)

	told   time.Time // when the last error was reported
	untold int       // errors since
}

// tellEvery is the shortest time between two errors of a transform.
const tellEvery = time.Minute

// apply changes o, and reports whether it is to be cached. After a failure o stays as it was.
func (t *transformer) apply(o *wire.Object) bool {
	changed, keep, err := t.changed(*o)
	if err != nil {
		t.report(o, err)
		return true
	}
	if keep {
		*o = changed
	}
	return keep
}

// changed returns what the transform makes of o.
func (t *transformer) changed(o wire.Object) (changed wire.Object, keep bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked: %v\n%s", r, debug.Stack())
		}
	}()
	data, keep, err := t.change(o)
	if err != nil || !keep {
		return o, keep, err
	}
	changed, err = wire.ReadObject(data, o.Format, wire.Options{
		KeepManagedFields: true,
		APIVersion:        o.APIVersion,
		Kind:              o.Kind,
		Strict:            true,
	})
	if err != nil {
		return o, true, err
	}
	for _, field := range [...]struct{ name, was, is string }{
		{"apiVersion", o.APIVersion, changed.APIVersion}, // a Status may be of another kind
		{"kind", o.Kind, changed.Kind},
		{"metadata.namespace", o.Meta.Namespace, changed.Meta.Namespace},
		{"metadata.name", o.Meta.Name, changed.Meta.Name},
		{"metadata.uid", o.Meta.UID, changed.Meta.UID},
		{"metadata.resourceVersion", o.Meta.ResourceVersion, changed.Meta.ResourceVersion},
	} {
		if field.is != field.was {
			return o, true, fmt.Errorf("it changed %s from %q to %q", field.name, field.was, field.is)
		}
	}
	return changed, true, nil
}

// report reports an error of the transform, once a minute.
func (t *transformer) report(o *wire.Object, err error) {
	if time.Since(t.told) < tellEvery {
		t.untold++
		return
	}
	before := ""
	if t.untold > 0 {
		before = " (" + strconv.Itoa(t.untold) + " failures more since the last report)"
	}
	t.told, t.untold = time.Now(), 0
	t.informer.report(fmt.Errorf("informer %s: transform %s: cached as the server sent it%s: %w",
		t.informer, o.Meta.Key(), before, err))
}
