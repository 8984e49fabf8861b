package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Fields is a set of field paths, made ready for one type of objects: what to leave out of an object
// ([Options].Drop), what to keep of it, which values to look up in it. It works on the bytes of an
// object, in JSON and in protobuf; nothing is decoded. Fields never change, and any number of
// goroutines may use them.
//
// A path names fields as JSON does:
//
//	spec.containers[*].env    of each element of a list
//	metadata.labels['app']    one value of a map; in the key, \' is a quote and \\ a backslash
//	spec.nodeSelector[*]      each value of a map
type Fields struct {
	kind   string // the type's name; "" is any
	paths  []fieldPath
	kept   trees    // of the paths, and of apiVersion and kind
	valued trees    // of the paths, without these two
	drop   *dropped // nil unless made by NewDrop
}

// trees are field paths as a tree, for each format.
type trees struct {
	json     *jsonNode
	protobuf *protobufNode // nil if the type has no protobuf form
}

// NewFields makes paths ready for the struct type t, such as reflect.TypeFor[corev1.Pod](). A path
// that t does not have is a [*PathError]. Where t holds JSON of any form, as a RawExtension does,
// paths go on unchecked; but not if t has a protobuf form, in which such JSON is only bytes.
//
// With t == nil, or a type as unstructured.Unstructured, the paths are for objects of any type, in
// JSON only. They are not checked, and .name and ['name'] are the same.
func NewFields(t reflect.Type, paths ...string) (*Fields, error) {
	t = deref(t)
	f := &Fields{}
	switch {
	case t == nil:
	case t.Kind() != reflect.Struct:
		return nil, fmt.Errorf("field paths are for a struct type, such as corev1.Pod, or for nil: %v is none", t)
	case isOpaque(t):
		t = nil
	default:
		f.kind = t.Name()
	}
	for _, path := range paths {
		p, err := resolvePath(t, path)
		if err != nil {
			return nil, err
		}
		f.paths = append(f.paths, p)
	}
	slices.SortStableFunc(f.paths, fieldPath.compare)
	f.paths = slices.CompactFunc(f.paths, fieldPath.equal)
	protobuf := t != nil && HasProtobuf(reflect.New(t).Interface())
	f.kept = newTrees(append(slices.Clip(f.paths), apiVersionPath, kindPath), protobuf)
	f.valued = newTrees(slices.DeleteFunc(slices.Clone(f.paths), fieldPath.isType), protobuf)
	return f, nil
}

// String is the paths in a form that is the same for the same fields: sorted, each once, joined by
// ", ".
func (f *Fields) String() string {
	texts := make([]string, len(f.paths))
	for i, p := range f.paths {
		texts[i] = canonical(p.steps)
	}
	return strings.Join(texts, ", ")
}

// of says whether the fields are those of a kind, as far as is known.
func (f *Fields) of(kind string) bool { return f.kind == "" || kind == "" || f.kind == kind }
