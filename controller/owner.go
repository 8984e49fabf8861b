package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/informer"
)

// AnyOwner makes a source of Owns reconcile every owner of the controller's kind, and not only the
// one that has controller: true, and returns the source. Several owners may share an object.
//
// The other owners are no part of the metadata that an informer reads without decoding. So each
// change of an object costs about 3 µs more for each of its states.
func (s *Source[T]) AnyOwner() *Source[T] {
	if s.role != roleOwns {
		s.mistaken("AnyOwner is for Owns only")
	}
	if s.informer != nil {
		s.owners = informer.MustFields[T]("metadata.ownerReferences")
	}
	return s
}

// ownerKeys returns the keys of the owners of item that the controller is about.
func ownerKeys[T any](l *listener[T], item informer.Item[T]) (keys []Key) {
	owner := item.Owner()
	refs := []metav1.OwnerReference{{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name}}
	if l.owners != nil {
		refs = l.allOwners(item)
	}
	for _, ref := range refs {
		gv, err := schema.ParseGroupVersion(ref.APIVersion)
		// Any version: an owner reference keeps the version that it was written with.
		if err != nil || ref.Kind != l.primary.Kind || gv.Group != l.primary.Group {
			continue
		}
		key := Key{Name: ref.Name}
		if l.primary.Namespaced {
			key.Namespace = item.Namespace() // owners are in the namespace of what they own, or cluster-scoped
		}
		if l.to.isFor(key.Namespace) {
			keys = append(keys, key)
		}
	}
	return keys
}

// allOwners returns all owner references of item.
func (l *listener[T]) allOwners(item informer.Item[T]) []metav1.OwnerReference {
	obj, err := item.Partial(l.owners)
	if err != nil {
		l.to.log.Error("read the owners of an object, which name no key now", "object", item.Key(),
			"informer", l.informer.String(), "error", err)
		return nil
	}
	return any(obj).(metav1.Object).GetOwnerReferences()
}
