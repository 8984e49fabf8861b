package apiserver

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// AutoCollect makes the server collect garbage after each request that may change something.
func (s *Server) AutoCollect() { s.collects.Store(true) }

// CollectGarbage does what the controllers of a control plane do for objects that are to go, until
// nothing is left to do: it removes the dependents of owners that are gone or wait for them, the
// finalizers orphan and foregroundDeletion, and the content of namespaces that are being deleted.
func (s *Server) CollectGarbage() {
	for s.collectOnce() {
	}
	s.undefineDeleted()
}

// collector is one pass over all objects.
type collector struct {
	s    *Server
	tx   storage.Tx
	all  []*Resource
	uids map[string]*storage.Object
	busy bool // something was changed
}

func (s *Server) collectOnce() bool {
	g := &collector{s: s, all: s.registry.all()}
	_ = s.store.Do(func(tx storage.Tx) error {
		g.tx, g.uids = tx, map[string]*storage.Object{}
		g.each(func(_ *Resource, o *storage.Object) { g.uids[o.Meta.UID] = o })
		g.each(g.collect)
		return nil
	})
	return g.busy
}

func (g *collector) each(f func(*Resource, *storage.Object)) {
	for _, res := range g.all {
		for _, o := range g.tx.All(res.in) {
			f(res, o)
		}
	}
}

// collect does what there is to do for an object.
func (g *collector) collect(res *Resource, o *storage.Object) {
	if g.tx.Get(res.in, o.Meta.Namespace, o.Meta.Name) != o {
		return // this pass has changed it
	}
	if o.Meta.DeletionTimestamp == "" {
		if g.isOrphan(o) {
			g.delete(res, o, metav1.DeletePropagationBackground)
		}
		return
	}
	object := thaw(o)
	switch {
	case hasFinalizer(metadata(object), metav1.FinalizerOrphanDependents):
		g.dependents(o, func(res *Resource, d *storage.Object) { g.disown(res, d, o.Meta.UID) })
		g.unfinalize(res, o, object, metav1.FinalizerOrphanDependents)
	case hasFinalizer(metadata(object), metav1.FinalizerDeleteDependents):
		blocked := false
		g.dependents(o, func(res *Resource, d *storage.Object) {
			if g.hasOtherOwner(d, o) {
				g.disown(res, d, o.Meta.UID)
				return
			}
			left := g.delete(res, d, metav1.DeletePropagationForeground)
			blocked = blocked || left && g.blocks(d, o)
		})
		if !blocked {
			g.unfinalize(res, o, object, metav1.FinalizerDeleteDependents)
		}
	case res.Group == "" && res.Kind == "Namespace":
		g.emptyNamespace(o, object)
	}
}

func ownersOf(object content) []content {
	list, _ := metadata(object)["ownerReferences"].([]any)
	var all []content
	for _, v := range list {
		if v, ok := v.(content); ok {
			all = append(all, v)
		}
	}
	return all
}

// isOrphan reports whether an object has owners and all of them are gone.
func (g *collector) isOrphan(o *storage.Object) bool {
	for _, ref := range o.Meta.OwnerReferences {
		owner := g.uids[string(ref.UID)]
		if owner != nil && (owner.Meta.Namespace == "" || owner.Meta.Namespace == o.Meta.Namespace) {
			return false
		}
		if g.s.registry.kind(apischema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)) == nil {
			return false // a kind that is not served: its owner may be elsewhere
		}
	}
	return len(o.Meta.OwnerReferences) > 0
}

// dependents calls f for each object that names owner as an owner.
func (g *collector) dependents(owner *storage.Object, f func(*Resource, *storage.Object)) {
	g.each(func(res *Resource, o *storage.Object) {
		for _, ref := range o.Meta.OwnerReferences {
			if string(ref.UID) == owner.Meta.UID {
				f(res, o)
				return
			}
		}
	})
}

// hasOtherOwner reports whether an object has an owner beside this one that is there to stay: such an
// object is not deleted with this one.
func (g *collector) hasOtherOwner(dependent, owner *storage.Object) bool {
	for _, ref := range dependent.Meta.OwnerReferences {
		other := g.uids[string(ref.UID)]
		if other != nil && other.Meta.UID != owner.Meta.UID && other.Meta.DeletionTimestamp == "" {
			return true
		}
	}
	return false
}

// blocks reports whether the deletion of owner waits for a dependent.
func (g *collector) blocks(dependent, owner *storage.Object) bool {
	for _, ref := range dependent.Meta.OwnerReferences {
		if string(ref.UID) == owner.Meta.UID && ref.BlockOwnerDeletion != nil && *ref.BlockOwnerDeletion {
			return true
		}
	}
	return false
}

// disown removes an owner from an object.
func (g *collector) disown(res *Resource, o *storage.Object, uid string) {
	object := thaw(o)
	var left []any
	for _, ref := range ownersOf(object) {
		if str(ref, "uid") != uid {
			left = append(left, ref)
		}
	}
	if len(left) == 0 {
		delete(metadata(object), "ownerReferences")
	} else {
		metadata(object)["ownerReferences"] = left
	}
	g.tx.Commit(res.in, o, object)
	g.busy = true
}

// unfinalize removes a finalizer, and the object if that was the last one.
func (g *collector) unfinalize(res *Resource, o *storage.Object, object content, name string) {
	removeFinalizer(metadata(object), name)
	if res.finished(object) {
		g.tx.RemoveAs(res.in, o, object)
	} else {
		g.tx.Commit(res.in, o, object)
	}
	g.busy = true
}

// delete deletes an object as a client would, and reports whether it is still there.
func (g *collector) delete(res *Resource, o *storage.Object, policy metav1.DeletionPropagation) bool {
	if o.Meta.DeletionTimestamp != "" {
		return true
	}
	c := &call{s: g.s, res: res}
	_, gone := c.deleteIn(g.tx, o, metav1.DeleteOptions{PropagationPolicy: &policy})
	g.busy = true
	return !gone
}

// emptyNamespace deletes what a namespace holds, and the namespace when nothing is left.
func (g *collector) emptyNamespace(ns *storage.Object, object content) {
	left := false
	g.each(func(res *Resource, o *storage.Object) {
		if o.Meta.Namespace != ns.Meta.Name || g.tx.Get(res.in, o.Meta.Namespace, o.Meta.Name) != o {
			return
		}
		left = g.delete(res, o, metav1.DeletePropagationBackground) || left
	})
	if left {
		return
	}
	in := storage.Collection{Resource: "namespaces"}
	spec := child(object, "spec")
	if finalizers, _ := spec["finalizers"].([]any); len(finalizers) > 0 {
		var kept []any
		for _, f := range finalizers {
			if f != any("kubernetes") {
				kept = append(kept, f)
			}
		}
		if len(kept) == len(finalizers) {
			return
		}
		if len(kept) == 0 {
			delete(spec, "finalizers")
		} else {
			spec["finalizers"] = kept
		}
		g.busy = true
		res := g.s.registry.kind(apischema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
		if res.finished(object) {
			g.tx.RemoveAs(in, ns, object)
		} else {
			g.tx.Commit(in, ns, object)
		}
	}
}
