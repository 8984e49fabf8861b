package controller

import (
	"slices"

	"github.com/skiff-k8s/skiff/informer"
)

// Predicate reports whether an update of an object matters. It is given the object's metadata
// before and after the update; nothing is decoded. It must not block, and must be safe for
// concurrent use.
//
// A Predicate is about updates only, see [Source.When]. A nil one is a mistake, which Run returns;
// Or, And and Not of a nil one are nil.
type Predicate func(old, new informer.Meta) bool

// Or returns a predicate that holds if any of ps does. Or() never holds.
func Or(ps ...Predicate) Predicate {
	if slices.ContainsFunc(ps, isNil) {
		return nil
	}
	return func(old, new informer.Meta) bool {
		for _, p := range ps {
			if p(old, new) {
				return true
			}
		}
		return false
	}
}

// And returns a predicate that holds if all of ps do. And() always holds.
func And(ps ...Predicate) Predicate {
	if slices.ContainsFunc(ps, isNil) {
		return nil
	}
	return func(old, new informer.Meta) bool {
		for _, p := range ps {
			if !p(old, new) {
				return false
			}
		}
		return true
	}
}

// Not returns a predicate that holds if p does not.
func Not(p Predicate) Predicate {
	if isNil(p) {
		return nil
	}
	return func(old, new informer.Meta) bool { return !p(old, new) }
}

func isNil(p Predicate) bool { return p == nil }

// GenerationChanged holds if metadata.generation changed: the API server counts it up with each
// change of the desired state (usually the spec), and when a deletion begins, but not for a change
// of the status.
//
// Some kinds have no generation, such as ConfigMap. For them GenerationChanged always holds, so
// that no change is missed. It also holds for an update that leaves the resourceVersion as it was:
// what changed then (a default that the schema gained, a conversion) is not counted by the generation.
func GenerationChanged(old, new informer.Meta) bool {
	return old.Generation() != new.Generation() || new.Generation() == 0 ||
		old.ResourceVersion() == new.ResourceVersion()
}

// LabelsChanged holds if any label was added, changed or removed.
func LabelsChanged(old, new informer.Meta) bool {
	before, now := old.Labels(), new.Labels()
	if before.Len() != now.Len() {
		return true
	}
	for key, value := range now.All() {
		if was, ok := before.Lookup(key); !ok || was != value {
			return true
		}
	}
	return false
}

// LabelChanged returns a predicate that holds if the label of that key was added, changed or
// removed.
func LabelChanged(key string) Predicate {
	return func(old, new informer.Meta) bool {
		was, had := old.Labels().Lookup(key)
		is, has := new.Labels().Lookup(key)
		return had != has || was != is
	}
}

// AnnotationChanged returns a predicate that holds if the annotation of that key was added, changed
// or removed. It searches the two objects' bytes, which costs about as much as two calls of
// Item.Annotation.
func AnnotationChanged(key string) Predicate {
	return func(old, new informer.Meta) bool {
		was, had := old.Annotation(key)
		is, has := new.Annotation(key)
		return had != has || was != is
	}
}
