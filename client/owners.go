package client

import (
	"fmt"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// AlreadyControlledError is the error of SetControllerOf for an object that has another controller.
type AlreadyControlledError struct {
	Resource   string // of the object: "pods"
	Name       string // of the object
	Controller metav1.OwnerReference
}

// Error returns the object and its controller.
func (e *AlreadyControlledError) Error() string {
	return fmt.Sprintf("set the controller of %s %q: it is controlled by %s %q", e.Resource, e.Name,
		e.Controller.Kind, e.Controller.Name)
}

// SetControllerOf makes owner the controller of obj: obj is deleted with it, and controllers find
// obj by it. It changes obj in memory only. A reference to owner that obj has, or to an object of
// the same kind and name that was there before it, is replaced.
//
// The kind of owner is its apiVersion and kind if they are set, as they are on each object that
// skiff returns, and that of its Go type otherwise ([kind.OfType]).
//
// If obj has another controller, the error is an [*AlreadyControlledError]. If owner cannot own
// obj, it is a [*kind.MisuseError]: a namespaced object owns objects of its own namespace only, and
// never a cluster-scoped one; owner has a name and a uid, because it was read from the server.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/)
func SetControllerOf(obj, owner metav1.Object) error {
	ref, err := referenceTo(obj, owner)
	if err != nil {
		return err
	}
	ref.Controller, ref.BlockOwnerDeletion = new(true), new(true)
	refs := slices.Clone(obj.GetOwnerReferences())
	at := -1
	for i, r := range refs {
		switch {
		case sameOwner(r, ref):
			at = i
		case r.Controller != nil && *r.Controller:
			return &AlreadyControlledError{Resource: resourceNameOf(obj), Name: obj.GetName(),
				Controller: r}
		}
	}
	if at < 0 {
		refs = append(refs, ref)
	} else {
		refs[at] = ref
	}
	obj.SetOwnerReferences(refs)
	return nil
}

// SetOwnerOf makes owner one of the owners of obj, which is deleted when all of them are. It
// changes obj in memory only. It does not make owner the controller; if owner is, it stays so. For
// everything else see [SetControllerOf].
func SetOwnerOf(obj, owner metav1.Object) error {
	ref, err := referenceTo(obj, owner)
	if err != nil {
		return err
	}
	refs := slices.Clone(obj.GetOwnerReferences())
	for i, r := range refs {
		if sameOwner(r, ref) {
			ref.Controller, ref.BlockOwnerDeletion = r.Controller, r.BlockOwnerDeletion
			refs[i] = ref
			obj.SetOwnerReferences(refs)
			return nil
		}
	}
	obj.SetOwnerReferences(append(refs, ref))
	return nil
}

// RemoveOwnerOf removes the references to owner from obj, in memory, and reports whether there was
// one: by the uid, or, if owner has none, by its kind and name.
func RemoveOwnerOf(obj, owner metav1.Object) bool {
	refs := obj.GetOwnerReferences()
	rest := slices.DeleteFunc(slices.Clone(refs), refersTo(owner))
	if len(rest) == len(refs) {
		return false
	}
	if len(rest) == 0 {
		rest = nil
	}
	obj.SetOwnerReferences(rest)
	return true
}

// HasOwner reports whether obj has a reference to owner: by the uid, or, if owner has none, by its
// kind and name.
func HasOwner(obj, owner metav1.Object) bool {
	return slices.ContainsFunc(obj.GetOwnerReferences(), refersTo(owner))
}

func refersTo(owner metav1.Object) func(metav1.OwnerReference) bool {
	if uid := owner.GetUID(); uid != "" {
		return func(r metav1.OwnerReference) bool { return r.UID == uid }
	}
	k, _, err := kindOf(owner)
	return func(r metav1.OwnerReference) bool {
		return err == nil && r.Kind == k.Kind && groupOf(r) == k.Group && r.Name == owner.GetName()
	}
}

// referenceTo returns the reference to owner, after it has checked that owner can own obj.
func referenceTo(obj, owner metav1.Object) (metav1.OwnerReference, error) {
	k, known, err := kindOf(owner)
	if err != nil {
		return metav1.OwnerReference{}, fmt.Errorf("set the owner of %s %q: %w",
			resourceNameOf(obj), obj.GetName(), err)
	}
	misuse := func(format string, args ...any) (metav1.OwnerReference, error) {
		return metav1.OwnerReference{}, &kind.MisuseError{Verb: "set the owner of",
			Resource: resourceNameOf(obj), Name: obj.GetName(),
			Problem: fmt.Sprintf(format, args...)}
	}
	if !known {
		k.Namespaced = owner.GetNamespace() != ""
	}
	switch {
	case owner.GetUID() == "" || owner.GetName() == "":
		return misuse("the owner, a %s, has no name or no uid: use one that was read from the "+
			"server", k.Kind)
	case !k.Namespaced:
	case obj.GetNamespace() == "":
		if o, known, _ := kindOf(obj); known && o.Namespaced {
			return misuse("it has no namespace yet, and its owner %s %q is in %q: set the "+
				"namespace first", k.Kind, owner.GetName(), owner.GetNamespace())
		}
		return misuse("it is cluster-scoped and %s are namespaced: the garbage collector would "+
			"delete it", nameOf(k))
	case obj.GetNamespace() != owner.GetNamespace():
		return misuse("it is in namespace %q and its owner %s %q is in %q: the garbage collector "+
			"would delete it", obj.GetNamespace(), k.Kind, owner.GetName(), owner.GetNamespace())
	}
	return metav1.OwnerReference{APIVersion: k.APIVersion(), Kind: k.Kind, Name: owner.GetName(),
		UID: owner.GetUID()}, nil
}

// sameOwner reports whether two references are to one object, or to two that had the same name.
func sameOwner(a, b metav1.OwnerReference) bool {
	return a.UID == b.UID || a.Kind == b.Kind && a.Name == b.Name && groupOf(a) == groupOf(b)
}

func groupOf(r metav1.OwnerReference) string {
	gv, _ := schema.ParseGroupVersion(r.APIVersion)
	return gv.Group
}

// kindOf returns the kind of an object: what it says itself, or else its Go type's. It reports
// whether the resource and the scope are known.
func kindOf(obj metav1.Object) (k kind.Info, known bool, err error) {
	if o, ok := obj.(typed); ok {
		if gvk := o.GetObjectKind().GroupVersionKind(); gvk.Kind != "" {
			if k, ok := kind.ByGVK(gvk); ok {
				return k, true, nil
			}
			return kind.Info{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}, false, nil
		}
	}
	k, err = kind.OfType(reflect.TypeOf(obj))
	return k, err == nil, err
}

func resourceNameOf(obj metav1.Object) string {
	k, _, err := kindOf(obj)
	if err != nil {
		return fmt.Sprintf("%T", obj)
	}
	return nameOf(k)
}

// nameOf names a resource as kubectl does, or its kind if the resource is not known.
func nameOf(k kind.Info) string {
	name := k.Resource
	if name == "" {
		name = k.Kind
	}
	if k.Group != "" {
		name += "." + k.Group
	}
	return name
}
