package wire

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dropped are the trees of what is dropped.
type dropped struct {
	keepManaged trees // managedFields stay
	cutManaged  trees // managedFields go too
}

// of are the trees to read an object by.
func (d *dropped) of(keepManagedFields bool) *trees {
	if keepManagedFields {
		return &d.keepManaged
	}
	return &d.cutManaged
}

var managedFieldsPath = fieldPath{
	steps: []step{{name: "metadata"}, {name: "managedFields"}},
	hops:  []hop{{number: objectMetadata}, {number: metaManagedFields}},
}

// NewDrop makes paths ready for [Options].Drop. It is NewFields, but for what has to stay: to drop
// what [Meta] is made of (metadata, and in it name, namespace, uid, resourceVersion, generation,
// deletionTimestamp, labels and ownerReferences), apiVersion, or kind is a [*PathError] too.
//
// The annotation by which a watch says that it has sent all that was there is never dropped.
func NewDrop(t reflect.Type, paths ...string) (*Fields, error) {
	f, err := NewFields(t, paths...)
	if err != nil {
		return nil, err
	}
	for _, p := range f.paths {
		if reason, place := undroppable(p.steps); reason != "" {
			return nil, &PathError{Path: p.text, Offset: place, Reason: reason}
		}
	}
	protobuf := f.kept.protobuf != nil
	f.drop = &dropped{
		keepManaged: newTrees(f.paths, protobuf),
		cutManaged:  newTrees(append(slices.Clip(f.paths), managedFieldsPath), protobuf),
	}
	f.drop.keepManaged.spareListEnd()
	f.drop.cutManaged.spareListEnd()
	return f, nil
}

// undroppable says why the fields at a path cannot be dropped, and which step of it makes it so.
func undroppable(steps []step) (reason string, place int) {
	const never = "it is never dropped, because what is read of every object is made of it"
	switch steps[0].name {
	case "apiVersion", "kind":
		return never, steps[0].place
	case "metadata":
	default:
		return "", 0
	}
	if len(steps) == 1 {
		return never, steps[0].place
	}
	second := steps[1]
	if second.kind == stepEach {
		return never, second.place
	}
	switch second.name {
	case "name", "namespace", "uid", "resourceVersion", "generation", "deletionTimestamp", "labels", "ownerReferences":
		return never, second.place
	case "annotations":
		if len(steps) > 2 && steps[2].name == metav1.InitialEventsAnnotationKey {
			return "it is never dropped, because it ends the list that a watch begins with", steps[2].place
		}
	}
	return "", 0
}

// spareListEnd takes the annotation that ends the list of a watch out of what is dropped.
func (t *trees) spareListEnd() {
	if a := t.json.named("metadata").named("annotations"); a != nil {
		if a.whole {
			a.whole, a.each = false, &jsonNode{whole: true}
		}
		a.members = append(a.members, jsonMember{metav1.InitialEventsAnnotationKey, &jsonNode{}})
	}
	if t.protobuf == nil {
		return
	}
	metadata := t.protobuf.field(objectMetadata)
	if metadata == nil {
		return
	}
	if a := metadata.field(metaAnnotations); a != nil {
		if a.whole {
			a.whole, a.each = false, &protobufNode{whole: true, isEntry: true}
		}
		a.entries = append(a.entries, protobufEntry{metav1.InitialEventsAnnotationKey, &protobufNode{isEntry: true}})
	}
}

// named is where the member of that name leads to, if it is named.
func (n *jsonNode) named(name string) *jsonNode {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.node
		}
	}
	return nil
}
