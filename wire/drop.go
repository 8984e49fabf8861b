package wire

import (
	"errors"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Drop is a choice of fields that readers leave out of objects; see [Options].Drop. It is immutable
// and safe for concurrent use. NewDrop makes one. The zero Drop leaves out no field of JSON.
type Drop struct {
	text     string
	typeName string // of the Go type; "" is any
	names    *fieldpath.Names
	numbers  *fieldpath.Numbers // nil if the type has no protobuf form
}

var errDropUntyped = errors.New("Options.Drop was made without a type that has a protobuf form, " +
	"so it cannot be used on protobuf")

// NewDrop returns the choice of the fields at the given paths; see [fieldpath.New] for t and paths.
//
// The error is a [*fieldpath.Error] also for fields that are never dropped: apiVersion, kind, and
// those that [Meta] is made of (in metadata: name, namespace, uid, resourceVersion, generation,
// deletionTimestamp, labels and ownerReferences). The annotation that marks the end of a watch's
// initial events stays when annotations are dropped, and cannot be dropped by itself.
func NewDrop(t reflect.Type, paths ...string) (*Drop, error) {
	fields, err := fieldpath.New(t, paths...)
	if err != nil {
		return nil, err
	}
	err = fields.Forbid("it is never dropped, because the Meta of every object is made of it",
		"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid",
		"metadata.resourceVersion", "metadata.generation", "metadata.deletionTimestamp",
		"metadata.labels", "metadata.ownerReferences")
	if err != nil {
		return nil, err
	}
	err = fields.ForbidInside(
		"it is never dropped, because it ends the list that a watch begins with",
		"metadata.annotations['"+metav1.InitialEventsAnnotationKey+"']")
	if err != nil {
		return nil, err
	}
	return &Drop{fields.String(), fields.TypeName(), fields.Names(), fields.Numbers()}, nil
}

// String returns the paths in a form that is the same for the same fields: sorted, each once,
// joined by ", ".
func (d *Drop) String() string { return d.text }

// inJSON returns what to drop of objects in JSON.
func (d *Drop) inJSON() *fieldpath.Names {
	if d == nil {
		return nil
	}
	return d.names
}

// inProtobuf returns what to drop of objects of a kind in protobuf. Of another kind than that of
// the type, such as a Status, nothing is dropped.
func (d *Drop) inProtobuf(kind string) (*fieldpath.Numbers, error) {
	if d == nil || !isOf(d.typeName, kind) {
		return nil, nil
	}
	if d.numbers == nil {
		return nil, errDropUntyped
	}
	return d.numbers, nil
}

// isOf reports whether fields of a Go type can be those of objects of a kind, as far as both are
// known.
func isOf(typeName, kind string) bool { return typeName == "" || kind == "" || typeName == kind }
