package wire

import (
	"encoding/binary"
	"sort"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// outline holds the places, in the bytes of one object, of the parts of its Meta, and the edits
// that leave fields out. The readers of both formats fill it, and its object method makes the
// Object.
//
// Places are relative to the object's first byte. An outline is reused for the next object, so that
// its slices are allocated once for each stream.
type outline struct {
	apiVersion, kind scan.Text // in JSON; in protobuf they are in the envelope

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
	moves      int // how far this and the edits before it move the bytes behind it; set by apply
}

// reset makes the outline ready for the next object.
func (k *outline) reset() {
	if k.labels == nil {
		k.labels, k.edits = make([]labelText, 0, 16), make([]edit, 0, 4)
	}
	*k = outline{labels: k.labels[:0], edits: k.edits[:0]}
}

// cut leaves out the bytes from start to end, which are behind all bytes cut before.
func (k *outline) cut(start, end int) {
	if n := len(k.edits); n > 0 && k.edits[n-1].end == start && k.edits[n-1].length < 0 {
		k.edits[n-1].end = end
		return
	}
	k.edits = append(k.edits, edit{start: start, end: end, length: -1})
}

// grows returns how many bytes the edit adds to the object; mostly a negative number.
func (e edit) grows() int {
	n := e.start - e.end
	if e.length >= 0 {
		n += scan.VarintLen(uint64(e.length))
	}
	return n
}

// object returns the Object made of src, which remains the caller's. Data is a copy, in the arena
// if there is one. The strings of Meta are parts of Data where Data contains them unescaped.
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

// apply copies src, edited, into memory of exactly the size needed.
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

// string returns the string at t in src: as a part of data if it is not escaped.
func (k *outline) string(src, data []byte, t scan.Text) string {
	if t.Start == t.End {
		return ""
	}
	if t.Unquote {
		return scan.Unquote(src[t.Start:t.End])
	}
	return unsafe.String(&data[k.moved(t.Start)], t.End-t.Start)
}

// moved returns where the edits move a place to. There are one or two edits in most objects.
// Hostile input has as many edits as labels, so the search is binary and not linear.
func (k *outline) moved(place int) int {
	before := sort.Search(len(k.edits), func(i int) bool { return k.edits[i].start >= place })
	if before == 0 {
		return place
	}
	return place + k.edits[before-1].moves
}

// interned is the last string in one place of a stream, such as the kind of its objects. If the
// next object has the same string, it needs no new memory.
type interned string

func (s *interned) of(b []byte) string {
	if string(b) != string(*s) {
		*s = interned(b)
	}
	return string(*s)
}
