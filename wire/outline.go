package wire

import (
	"encoding/binary"
	"sort"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// outline is where, in the bytes of one object, the parts stand that make its Meta, and what of the
// bytes is to be left out. Reading fills it, in either format; its object method makes the Object.
//
// Places are relative to the object's first byte. An outline is used again for the next object, so
// that its slices are allocated once a stream.
type outline struct {
	apiVersion, kind scan.Text // in JSON; in protobuf the envelope says them

	namespace, name, uid, resourceVersion scan.Text
	generation                            int64
	deleting                              bool
	labels                                []labelText
	owner                                 ownerText

	edits []edit // in order, none overlapping another
}

type labelText struct{ key, value scan.Text }

type ownerText struct {
	apiVersion, kind, name, uid scan.Text
	controller                  bool
}

// edit replaces the bytes of an object from start to end: by nothing, or by a protobuf length.
type edit struct {
	start, end int
	length     int // the length to write; -1 for none
	moves      int // how far this and the edits before it move what follows; apply says it
}

// reset makes the outline ready for the next object.
func (k *outline) reset() {
	if k.labels == nil {
		k.labels, k.edits = make([]labelText, 0, 16), make([]edit, 0, 4)
	}
	*k = outline{labels: k.labels[:0], edits: k.edits[:0]}
}

// cut leaves out the bytes from start to end, which come after all that was cut before.
func (k *outline) cut(start, end int) {
	if n := len(k.edits); n > 0 && k.edits[n-1].end == start && k.edits[n-1].length < 0 {
		k.edits[n-1].end = end
		return
	}
	k.edits = append(k.edits, edit{start: start, end: end, length: -1})
}

// grows is how many bytes longer the object gets by the edit: a negative number, as a rule.
func (e edit) grows() int {
	n := e.start - e.end
	if e.length >= 0 {
		n += scan.VarintLen(uint64(e.length))
	}
	return n
}

// object makes the Object out of its bytes, which stay the caller's: Data is a piece of memory of
// its own, of the arena if there is one, and the strings of Meta are parts of it wherever they
// stand in it as they are.
func (k *outline) object(src []byte, f Format, arena *Arena) Object {
	data := k.apply(src, arena)
	o := Object{Format: f, Data: data}
	o.Meta = Meta{
		Namespace:       k.string(src, data, k.namespace),
		Name:            k.string(src, data, k.name),
		UID:             k.string(src, data, k.uid),
		ResourceVersion: k.string(src, data, k.resourceVersion),
		Generation:      k.generation,
		Deleting:        k.deleting,
	}
	if k.owner.controller {
		o.Meta.Owner = Owner{
			APIVersion: k.string(src, data, k.owner.apiVersion),
			Kind:       k.string(src, data, k.owner.kind),
			Name:       k.string(src, data, k.owner.name),
			UID:        k.string(src, data, k.owner.uid),
		}
	}
	if len(k.labels) > 0 {
		labels := arena.makeLabels(len(k.labels))
		for i, l := range k.labels {
			labels[i] = Label{k.string(src, data, l.key), k.string(src, data, l.value)}
		}
		o.Meta.Labels = NewLabels(labels...)
	}
	return o
}

// apply copies src, edited, into memory of exactly its size.
func (k *outline) apply(src []byte, arena *Arena) []byte {
	moves := 0
	for i := range k.edits {
		moves += k.edits[i].grows()
		k.edits[i].moves = moves
	}
	data := arena.data(len(src) + moves)
	at := 0
	for _, e := range k.edits {
		data = append(data, src[at:e.start]...)
		if e.length >= 0 {
			data = binary.AppendUvarint(data, uint64(e.length))
		}
		at = e.end
	}
	return append(data, src[at:]...)
}

// string is the string at t of src, as a part of data if it stands there as it is.
func (k *outline) string(src, data []byte, t scan.Text) string {
	if t.Start == t.End {
		return ""
	}
	if t.Unquote {
		return scan.Unquote(src[t.Start:t.End])
	}
	return unsafe.String(&data[k.moved(t.Start)], t.End-t.Start)
}

// moved is where the edits move a place to. There are one or two; but hostile input has as many as
// it has labels, so each label must not look at all of them.
func (k *outline) moved(place int) int {
	before := sort.Search(len(k.edits), func(i int) bool { return k.edits[i].start >= place })
	if before == 0 {
		return place
	}
	return place + k.edits[before-1].moves
}

// interned is the string that a stream said last in one place, such as the kind of its objects: the
// next object says the same, and it needs no memory of its own.
type interned string

func (s *interned) of(b []byte) string {
	if string(b) != string(*s) {
		*s = interned(b)
	}
	return string(*s)
}
