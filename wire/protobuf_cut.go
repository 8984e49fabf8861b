package wire

import (
	"github.com/skiff-k8s/skiff/wire/fieldpath"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// protobufField leaves out what drop leads to of the field that f has read. It returns by how many
// bytes that makes the message shorter. Only the tags and lengths on the paths are looked at.
func (k *outline) protobufField(f *scan.Protobuf, drop *fieldpath.Numbers) (shorter int) {
	if drop.IsMap() && !drop.Whole() {
		if f.Type != scan.Bytes {
			return 0
		}
		key := f.MapKey()
		if f.Err != nil {
			return 0
		}
		drop = drop.Entry(f.Bytes(key))
	}
	switch {
	case drop == nil:
		return 0
	case drop.Whole():
		k.cut(f.Tag, f.Stop)
		return f.Stop - f.Tag
	case f.Type != scan.Bytes:
		return 0
	}
	// If the message in f gets shorter, its length is written anew, and may get shorter too.
	at := k.lengthOf(f)
	m := f.Message()
	for m.Next() {
		shorter += k.protobufField(&m, drop.Field(m.Num))
	}
	f.Inner(&m)
	if shorter == 0 {
		k.edits = k.edits[:at]
		return 0
	}
	return shorter - k.setLength(at, f.Stop-f.Start-shorter)
}

// lengthOf adds an edit of the length of the field that f has read, and returns which it is. The
// edits in the field's value come after it; then setLength sets it.
func (k *outline) lengthOf(f *scan.Protobuf) (at int) {
	k.edits = append(k.edits, edit{start: f.Length, end: f.Start})
	return len(k.edits) - 1
}

// setLength sets the length that an edit writes. It returns how many more bytes that takes than the
// length before.
func (k *outline) setLength(at, length int) (longer int) {
	k.edits[at].length = length
	return k.edits[at].grows()
}
